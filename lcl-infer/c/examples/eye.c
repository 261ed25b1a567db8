// Rows in, rows of V1 and V2 out: all that a program needs.
#include "eye.h"

static uint8_t memory[LCL_V2_MEMORY_LEN(EYE_SIDE)];

static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, size_t len) {
    crc = ~crc;
    while (len--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void take(void *context, const lcl_row *row) {
    struct eye_crc *crc = context;
    uint32_t *of_area = row->tap[1] == '2' ? &crc->v2 : &crc->v1;
    *of_area = crc_of(*of_area, row->values, row->width * row->channels);
}

lcl_status eye_look(const uint8_t *bytes, size_t len, struct eye_crc *out, lcl_error *why) {
    lcl_model model;
    lcl_engine *engine;
    uint8_t row[3 * EYE_SIDE];
    lcl_status status = lcl_model_open(&model, bytes, len, why);
    if (status) return status;
    status = lcl_self_test(&model, memory, sizeof memory, why);
    if (status) return status;
    status = lcl_engine_init(&engine, &model, EYE_SIDE, EYE_SIDE, LCL_RGB888, memory, sizeof memory, why);
    if (status) return status;
    out->v1 = out->v2 = 0;
    for (uint32_t y = 0; y < EYE_SIDE; y++) {
        eye_row(y, row);
        status = lcl_push_row(engine, row, sizeof row, take, out, why);
        if (status) return status;
    }
    return lcl_finish(engine, why);
}

static uint32_t hash(uint32_t seed, uint32_t y, uint32_t x, uint32_t c) {
    const uint32_t words[3] = {y, x, c};
    for (int at = 0; at < 3; at++) {
        seed = (seed ^ words[at]) * 0x9e3779b1u;
        seed = (seed ^ seed >> 16) * 0x85ebca6bu;
        seed = (seed ^ seed >> 13) * 0xc2b2ae35u;
        seed ^= seed >> 16;
    }
    return seed;
}

void eye_row(uint32_t y, uint8_t row[3 * EYE_SIDE]) {
    for (uint32_t x = 0; x < EYE_SIDE; x++) {
        for (uint32_t c = 0; c < 3; c++) {
            uint32_t block = hash(1, y / 8, x / 8, c) & 255, noise = hash(1, y, x, c) >> 8 & 255;
            row[3 * x + c] = (uint8_t)((3 * block + noise) >> 2);
        }
    }
}
