// What runs before and after a program: vectors, memory, the floating-point unit.
#include <stdint.h>

extern uint32_t stack_end[], data_start[], data_end[], data_in_flash[], bss_start[], bss_end[];
void board_main(void);

static void halt(void) {
    for (;;) {
    }
}

void reset(void) {
    // Full access to coprocessors 10 and 11.
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
    for (uint32_t *to = data_start, *from = data_in_flash; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    board_main();
    halt();
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_end, reset, halt, halt, halt, halt, halt, 0, 0, 0, 0, halt, halt, 0, halt, halt,
};
