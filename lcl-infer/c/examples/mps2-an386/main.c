// The picture on Arm's MPS2 board with a Cortex-M4, as QEMU emulates it, and the instructions of an image.
#include "../eye.h"

extern const uint8_t model_start[];

static uint8_t memory[LCL_V2_MEMORY_LEN(EYE_SIDE)];

// One call of the emulator (Arm's semihosting).
static int host(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

// Writes to the emulator's standard output, which is called ":tt" and opened once.
static void say(const char *text) {
    static int output;
    uint32_t len = 0;
    while (text[len]) len++;
    const uint32_t open[3] = {(uint32_t)(uintptr_t)":tt", 4, 3};
    if (!output) output = host(0x01, open);
    const uint32_t write[3] = {(uint32_t)output, (uint32_t)(uintptr_t)text, len};
    host(0x05, write);
}

static void say_number(uint64_t number, unsigned base) {
    char text[24], *at = text + sizeof text - 1;
    *at = 0;
    do *--at = "0123456789abcdef"[number % base];
    while ((number /= base) || (base == 16 && at > text + sizeof text - 9));
    say(at);
}

static void stop(int status) {
    const uint32_t block[2] = {0x20026, (uint32_t)status};
    host(0x20, block);
    for (;;) {
    }
}

static void fail(const lcl_error *why) {
    char text[300];
    lcl_error_text(why, text, sizeof text);
    say("error: ");
    say(text);
    say("\n");
    stop(1);
}

static uint32_t ticks(void) { return *(volatile uint32_t *)0x40028018; }

// Ticks of a loop of two instructions a turn.
static uint32_t spin(uint32_t turns) {
    uint32_t start = ticks();
    __asm__ volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(turns) : : "cc");
    return ticks() - start;
}

// Counts what the rows of an image of noise take, as the program `bench` does.
static uint64_t count(const lcl_model *model, lcl_error *why) {
    lcl_engine *engine;
    static uint8_t row[3 * EYE_SIDE];
    uint32_t noise = 1, start = ticks(), empty = ticks() - start;
    uint64_t sum = 0;
    if (lcl_engine_init(&engine, model, EYE_SIDE, EYE_SIDE, LCL_AS_MODEL, memory, sizeof memory, why)) fail(why);
    for (int y = 0; y < EYE_SIDE; y++) {
        for (size_t at = 0; at < sizeof row; at++) {
            noise = noise * 1664525u + 1013904223u;
            row[at] = (uint8_t)(noise >> 24);
        }
        start = ticks();
        lcl_status status = lcl_push_row(engine, row, sizeof row, 0, 0, why);
        uint32_t spent = ticks() - start;
        if (status) fail(why);
        sum += spent > empty ? spent - empty : 0;
    }
    uint32_t small = spin(1000), large = spin(1001000);
    return sum * 2000000u / (large - small);
}

void board_main(void) {
    lcl_error why;
    lcl_model model;
    struct eye_crc crc;
    size_t len;
    if (lcl_model_len(model_start, 40, &len, &why)) fail(&why);
    if (eye_look(model_start, len, &crc, &why)) fail(&why);
    say("V1 ");
    say_number(crc.v1, 16);
    say(" V2 ");
    say_number(crc.v2, 16);
    if (lcl_model_open(&model, model_start, len, &why)) fail(&why);
    say("\ninstructions ");
    say_number(count(&model, &why), 10);
    say("\nended well\n");
    stop(0);
}
