// Shows the picture to a model in a file: host MODEL.lcl
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eye.h"

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: %s MODEL.lcl\n", argv[0]);
        return 2;
    }
    fseek(file, 0, SEEK_END);
    long len = ftell(file);
    rewind(file);
    // A model starts at a multiple of 16 bytes.
    uint8_t *room = malloc((size_t)len + 16);
    if (!room) return 2;
    uint8_t *bytes = room + (16 - (uintptr_t)room % 16) % 16;
    if (fread(bytes, 1, (size_t)len, file) != (size_t)len) return 2;
    fclose(file);

    struct eye_crc crc;
    lcl_error why;
    lcl_status status = eye_look(bytes, (size_t)len, &crc, &why);
    if (status) {
        char text[300];
        lcl_error_text(&why, text, sizeof text);
        fprintf(stderr, "error: %s\n", text);
    } else {
        printf("V1 %08x V2 %08x\n", crc.v1, crc.v2);
    }
    free(room);
    return status ? 1 : 0;
}
