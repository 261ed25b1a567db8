// The picture that every door of lcl-infer is tested on, and the checksum of what it gives.
#ifndef EYE_H
#define EYE_H

#include "../lcl_infer.h"

enum { EYE_SIDE = 96 };

// Writes row y of the picture: the golden image of lcl-infer, of seed 1, 96 × 96 pixels of RGB888.
void eye_row(uint32_t y, uint8_t row[3 * EYE_SIDE]);

// CRC-32 of the features of both areas.
struct eye_crc {
    uint32_t v1, v2;
};

// Shows a model the picture, row by row, in memory that is known at compile time.
lcl_status eye_look(const uint8_t *bytes, size_t len, struct eye_crc *out, lcl_error *why);

#endif
