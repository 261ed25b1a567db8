// Calls every function as no program should: misuse MODEL.lcl. Each call gives its code, and nothing else
// happens, also under valgrind.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eye.h"

static int failed;

#define CHECK(call, expected)                                                          \
    do {                                                                               \
        long got = (long)(call), wanted = (long)(expected);                            \
        if (got != wanted) {                                                           \
            printf("line %d: %s gives %ld, not %ld\n", __LINE__, #call, got, wanted); \
            failed = 1;                                                                \
        }                                                                              \
    } while (0)

struct seen {
    lcl_engine *engine;
    lcl_watcher *watcher;
    int rows;
};

static void look(void *context, const lcl_row *row) {
    struct seen *seen = context;
    seen->rows++;
    // The engine is busy; a watcher is not.
    CHECK(lcl_push_row(seen->engine, row->values, 1, NULL, NULL, NULL), LCL_IN_CALLBACK);
    CHECK(lcl_reset(seen->engine, NULL), LCL_IN_CALLBACK);
    CHECK(lcl_row_len(seen->engine), 0);
    if (seen->watcher) CHECK(lcl_watcher_push(seen->watcher, row, NULL), LCL_OK);
}

static void says(const lcl_error *why, const char *part) {
    char text[400];
    size_t len = lcl_error_text(why, text, sizeof text);
    if (len != strlen(text) || !strstr(text, part)) {
        printf("\"%s\" does not say \"%s\"\n", text, part);
        failed = 1;
    }
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file) return 2;
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    rewind(file);
    uint8_t *room = malloc(len + 32), *bytes = room + (16 - (uintptr_t)room % 16) % 16;
    if (!room || fread(bytes, 1, len, file) != len) return 2;
    fclose(file);

    lcl_error why;
    lcl_model model, moved;
    lcl_engine *engine = NULL;
    lcl_watcher *watcher = NULL;
    size_t number = 0;
    float scale = 0;
    memset(&model, 0x55, sizeof model);
    memset(&why, 0x55, sizeof why);

    CHECK(lcl_version(), LCL_HEADER_VERSION);
    // An error that no function filled.
    says(&why, "was not made by this library");
    CHECK(lcl_error_text(NULL, NULL, 0) > 0, 1);

    // Models.
    CHECK(lcl_memory_len(&model, 96), 0);
    CHECK(lcl_memory_len(NULL, 96), 0);
    CHECK(lcl_model_open(NULL, bytes, len, &why), LCL_NULL);
    CHECK(lcl_model_open(&model, NULL, len, &why), LCL_NULL);
    says(&why, "null");
    CHECK(lcl_model_open(&model, bytes, SIZE_MAX, NULL), LCL_NULL);
    CHECK(lcl_model_open(&model, bytes, 0, &why), LCL_MODEL);
    CHECK(lcl_model_open(&model, bytes, len - 1, &why), LCL_MODEL);
    says(&why, "bytes");
    memmove(bytes + 8, bytes, len);
    CHECK(lcl_model_open(&model, bytes + 8, len, &why), LCL_UNALIGNED);
    memmove(bytes, bytes + 8, len);
    bytes[len / 2] ^= 1;
    CHECK(lcl_model_open(&model, bytes, len, &why), LCL_MODEL);
    bytes[len / 2] ^= 1;
    uint8_t version = bytes[8];
    bytes[8] = 99;
    CHECK(lcl_model_open(&model, bytes, len, &why), LCL_MODEL);
    bytes[8] = version;
    // A model that could not be opened is none.
    CHECK(lcl_memory_len(&model, 96), 0);
    CHECK(lcl_engine_init(&engine, &model, 96, 96, LCL_AS_MODEL, room, len, &why), LCL_NOT_MADE);
    CHECK(lcl_model_len(bytes, 39, &number, &why), LCL_MODEL);
    CHECK(lcl_model_len(bytes, 40, &number, &why), LCL_OK);
    CHECK(number, len);
    CHECK(lcl_model_len(bytes, 40, NULL, &why), LCL_NULL);
    CHECK(lcl_model_open(&model, bytes, len, &why), LCL_OK);
    memcpy(&moved, &model, sizeof model);
    CHECK(lcl_memory_len(&moved, 96), 0);
    CHECK(lcl_scale(&model, "V2", 191, &scale), LCL_OK);
    CHECK(scale > 0, 1);
    CHECK(lcl_scale(&model, "V2", 192, &scale), LCL_UNKNOWN);
    CHECK(lcl_scale(&model, "V9", 0, &scale), LCL_UNKNOWN);
    CHECK(lcl_scale(&model, NULL, 0, &scale), LCL_NULL);
    CHECK(lcl_scale(&model, "V2", 0, NULL), LCL_NULL);

    // Memory: of one byte too few, and wherever it starts.
    size_t needed = lcl_memory_len(&model, 96);
    CHECK(needed <= LCL_V2_MEMORY_LEN(96), 1);
    CHECK(lcl_memory_len(&model, SIZE_MAX), SIZE_MAX);
    uint8_t *memory = malloc(needed + 16), *others = malloc(LCL_V2_WATCHER_MEMORY_LEN);
    if (!memory || !others) return 2;
    CHECK(lcl_self_test(&model, memory, 10, &why), LCL_TOO_SHORT);
    says(&why, "bytes of memory");
    CHECK(lcl_self_test(&model, bytes, len, &why), LCL_OVERLAP);
    CHECK(lcl_self_test(&model, memory, lcl_self_test_memory_len(&model), &why), LCL_OK);
    CHECK(lcl_engine_init(NULL, &model, 96, 96, LCL_AS_MODEL, memory, needed, &why), LCL_NULL);
    CHECK(lcl_engine_init(&engine, NULL, 96, 96, LCL_AS_MODEL, memory, needed, &why), LCL_NULL);
    CHECK(lcl_engine_init(&engine, &model, 96, 96, LCL_AS_MODEL, NULL, needed, &why), LCL_NULL);
    CHECK(lcl_engine_init(&engine, &model, 96, 96, LCL_AS_MODEL, bytes, needed, &why), LCL_OVERLAP);
    CHECK(lcl_engine_init(&engine, &model, 16, 96, LCL_AS_MODEL, memory, needed, &why), LCL_IMAGE_SIZE);
    says(&why, "16×96");
    CHECK(lcl_engine_init(&engine, &model, 96, 96, 7, memory, needed, &why), LCL_UNKNOWN);
    CHECK(lcl_engine_init(&engine, &model, 95, 96, LCL_YUYV, memory, needed, &why), LCL_IMAGE_SIZE);
    for (size_t less = 1000; less <= needed; less += 1000)
        CHECK(lcl_engine_init(&engine, &model, 96, 96, LCL_AS_MODEL, memory, needed - less, &why), LCL_TOO_SHORT);
    CHECK(lcl_engine_init(&engine, &model, 96, 96, LCL_AS_MODEL, memory, 3, &why), LCL_TOO_SHORT);
    CHECK(engine == NULL, 1);
    for (size_t offset = 0; offset < 16; offset++)
        CHECK(lcl_engine_init(&engine, &model, 96, 96, LCL_AS_MODEL, memory + offset, needed, &why), LCL_OK);

    // Rows.
    uint8_t row[3 * EYE_SIDE] = {0};
    lcl_map map;
    CHECK(lcl_row_len(engine), sizeof row);
    CHECK(lcl_row_len(NULL), 0);
    CHECK(lcl_row_len((lcl_engine *)(void *)row), 0);
    CHECK(lcl_map_of(engine, "V2", &map), LCL_OK);
    CHECK(map.width * 1000000 + map.height * 1000 + map.channels, 6006192);
    CHECK(lcl_map_of(engine, "conv1", &map), LCL_UNKNOWN);
    CHECK(lcl_map_of(engine, "a name that is too long", &map), LCL_UNKNOWN);
    CHECK(lcl_push_row(NULL, row, sizeof row, NULL, NULL, &why), LCL_NULL);
    CHECK(lcl_push_row(engine, NULL, sizeof row, NULL, NULL, &why), LCL_NULL);
    CHECK(lcl_push_row(engine, row, sizeof row - 1, NULL, NULL, &why), LCL_ROW_LENGTH);
    says(&why, "expected 288 bytes, got 287");
    char cut[12];
    CHECK(lcl_error_text(&why, cut, sizeof cut), strlen("expected 288 bytes, got 287"));
    CHECK(strcmp(cut, "expected 28"), 0);
    CHECK(lcl_finish(engine, &why), LCL_ORDER);
    says(&why, "0 of 96 rows");

    // A watcher, and a whole frame without and with a callback.
    size_t watching = lcl_watcher_memory_len(engine);
    CHECK(watching <= LCL_V2_WATCHER_MEMORY_LEN && watching > 0, 1);
    lcl_watch_settings settings = {0, 4, 4};
    CHECK(lcl_watcher_init(&watcher, engine, &settings, others, watching, &why), LCL_SETTINGS);
    CHECK(lcl_watcher_init(&watcher, engine, NULL, others, watching - 200, &why), LCL_TOO_SHORT);
    CHECK(lcl_watcher_init(&watcher, engine, NULL, engine, watching, &why), LCL_OVERLAP);
    CHECK(lcl_watcher_init(&watcher, NULL, NULL, others, watching, &why), LCL_NULL);
    CHECK(lcl_watcher_init(&watcher, engine, NULL, others, watching, &why), LCL_OK);
    lcl_novelty novelty;
    CHECK(lcl_watcher_finish(watcher, &novelty, &why), LCL_ORDER);
    CHECK(lcl_watcher_push(watcher, NULL, &why), LCL_NULL);
    struct seen seen = {engine, NULL, 0};
    for (int frame = 0; frame < 3; frame++) {
        seen.watcher = frame ? watcher : NULL;
        seen.rows = 0;
        for (uint32_t y = 0; y < EYE_SIDE; y++) {
            eye_row(y, row);
            CHECK(lcl_push_row(engine, row, sizeof row, frame == 2 ? NULL : look, &seen, &why), LCL_OK);
        }
        CHECK(seen.rows, frame == 2 ? 0 : 12 + 6);
        CHECK(lcl_push_row(engine, row, sizeof row, look, &seen, &why), LCL_ORDER);
        CHECK(frame == 1 ? lcl_finish(engine, &why) : lcl_reset(engine, &why), LCL_OK);
    }
    CHECK(lcl_watcher_finish(watcher, NULL, &why), LCL_NULL);
    CHECK(lcl_watcher_finish(watcher, &novelty, &why), LCL_OK);
    CHECK(novelty.frame, 0);
    lcl_row strange = {"V2", 5, 6, 192, row};
    CHECK(lcl_watcher_push(watcher, &strange, &why), LCL_ORDER);
    says(&why, "expected row 0 of V2, got row 5");
    lcl_row wrong = {"V2", 0, 1, 192, row};
    CHECK(lcl_watcher_push(watcher, &wrong, &why), LCL_ROW_LENGTH);
    CHECK(lcl_watcher_reset(watcher, &why), LCL_OK);
    uint8_t event[LCL_EVENT_MAX_LEN];
    CHECK(lcl_event(&novelty, event, 3, &number), LCL_TOO_SHORT);
    CHECK(lcl_event(&novelty, event, sizeof event, &number), LCL_OK);
    CHECK(number, 11);
    CHECK(lcl_event(NULL, event, sizeof event, &number), LCL_NULL);

    free(others);
    free(memory);
    free(room);
    puts(failed ? "misuse was not found" : "every misuse has its code");
    return failed;
}
