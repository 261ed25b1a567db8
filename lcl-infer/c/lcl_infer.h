// lcl-infer for C: integer inference of LCL-V2, a model of cortical areas V1 and V2. Written from the Rust
// code of lcl-infer/c, and compared with it by a test.
//
// Rules for all functions: memory is the caller's, there is no heap and no global, and nothing panics.
// Null pointers, lengths, order and state are checked and give a code of lcl_status. What a pointer and
// its length promise must be true: so many bytes can be read, or written, and nothing else writes to
// them meanwhile. Different engines may run in different threads; one engine in one at a time.
//
//   lcl_model_open - lcl_engine_init - { lcl_push_row × height - lcl_finish } × images

#ifndef LCL_INFER_H
#define LCL_INFER_H

#include <stddef.h>
#include <stdint.h>

// Bytes that are enough for an engine of the published model, for width up to 640 pixels.
#define LCL_V2_MEMORY_LEN(width) (8192 + 245 * (((size_t)(width) + 7) / 8 * 8))
// Bytes that are enough for its watcher, for square images of up to 640 pixels.
#define LCL_V2_WATCHER_MEMORY_LEN 28256
// Words of an lcl_error.
#define LCL_ERROR_WORDS 12
// Words of an lcl_model.
#define LCL_MODEL_WORDS 32
// Version of lcl_infer.h: it grows when a function or a structure changes.
#define LCL_HEADER_VERSION 1
// Bytes of a tap's name with the zero at its end.
#define LCL_NAME_LEN 9
// Channels that an lcl_novelty names.
#define LCL_NOVEL_CHANNELS 3
// Bytes of the longest event that lcl_event writes.
#define LCL_EVENT_MAX_LEN 31
// What a function has done: 0, or why it has done nothing.
enum {
  // It is done.
  LCL_OK = 0,
  // A pointer that may not be null is null, or a length is none that memory can have.
  LCL_NULL = 1,
  // The model, engine, watcher or error was not made by this library, or was moved or overwritten.
  LCL_NOT_MADE = 2,
  // The engine is in a callback: no function of the same engine may be called from it.
  LCL_IN_CALLBACK = 3,
  // The memory lies over the model or over the engine.
  LCL_OVERLAP = 4,
  // There is no such pixel format, tap or channel.
  LCL_UNKNOWN = 5,
  // The memory or the buffer is too short.
  LCL_TOO_SHORT = 6,
  // The bytes are no model that this library runs: damaged, cut short, too new or not a model.
  LCL_MODEL = 7,
  // The model does not start at a multiple of 16 bytes.
  LCL_UNALIGNED = 8,
  // The layers cannot run on an image of this size, or its format needs an even width.
  LCL_IMAGE_SIZE = 9,
  // The row has another length.
  LCL_ROW_LENGTH = 10,
  // The frame is complete, or incomplete, or the row is not the next one.
  LCL_ORDER = 11,
  // Settings of a watcher are out of their range, or the model has no V2.
  LCL_SETTINGS = 12,
  // The self-test found other bytes than the model promises.
  LCL_SELF_TEST = 13,
};
typedef int32_t lcl_status;

// An engine, at the start of the memory that lcl_engine_init got.
typedef struct lcl_engine lcl_engine;

// A watcher, at the start of the memory that lcl_watcher_init got.
typedef struct lcl_watcher lcl_watcher;

// An error in the caller's memory: lcl_error_text makes a text of it. Its field is the library's.
typedef struct {
  uint64_t opaque[LCL_ERROR_WORDS];
} lcl_error;

// An opened model, in the caller's memory, where it stays. Its field is the library's.
typedef struct {
  size_t opaque[LCL_MODEL_WORDS];
} lcl_model;

// How a camera lays out the pixels of a row: one of LCL_RGB888 and its like.
typedef uint32_t lcl_pixels;

// Size of a tap's map.
typedef struct {
  // Pixels of a row.
  size_t width;
  // Rows.
  size_t height;
  // Features of a pixel.
  size_t channels;
} lcl_map;

// A row of features. It and its bytes are there until the callback returns.
typedef struct {
  // Name of the tap, such as "V2".
  char tap[LCL_NAME_LEN];
  // The row, from 0 at the top.
  size_t y;
  // Pixels of the row.
  size_t width;
  // Features of a pixel.
  size_t channels;
  // width · channels features, pixel by pixel.
  const uint8_t *values;
} lcl_row;

// What lcl_push_row calls with each row of features: with the caller's own pointer, and the row.
typedef void (*lcl_row_callback)(void *context, const lcl_row *row);

// When a watcher speaks and how fast it adapts.
typedef struct {
  // Least score of a novel cell in 1/256, at least 1; 768 is usual.
  uint16_t threshold;
  // Means follow within about 2^adaptation_shift frames; 0 to 7, 4 is usual.
  uint8_t adaptation_shift;
  // Frames at the start that are never novel, at least 2; 4 is usual.
  uint32_t warm_up;
} lcl_watch_settings;

// How far one channel of V2 departs from its mean.
typedef struct {
  // The channel.
  uint16_t channel;
  // Feature minus mean in steps of the byte.
  int16_t change;
} lcl_departure;

// How far a frame departs from those before, and where.
typedef struct {
  // Number of the frame, from 0.
  uint32_t frame;
  // How many times the usual the largest departure is, in 1/256.
  uint16_t score;
  // Cells that reach the threshold: with 0 there is no event.
  uint16_t cells;
  // Column of the cell that departs most.
  uint8_t x;
  // Row of that cell.
  uint8_t y;
  // Channels of that cell that depart most.
  lcl_departure channels[LCL_NOVEL_CHANNELS];
} lcl_novelty;

// The format that the model was made for: RGB888, or GRAY8 for grey images.
#define LCL_AS_MODEL 0
// Three bytes a pixel: red, green, blue.
#define LCL_RGB888 1
// Two bytes a pixel, the high one first: rrrrrggg gggbbbbb.
#define LCL_RGB565_BE 2
// Two bytes a pixel, the low one first.
#define LCL_RGB565_LE 3
// One byte a pixel: luma.
#define LCL_GRAY8 4
// Four bytes for two pixels, Y0 U Y1 V, full range.
#define LCL_YUYV 5
// Four bytes for two pixels, U Y0 V Y1, full range.
#define LCL_UYVY 6
#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Writes the text of an error, UTF-8 with a zero at its end, and returns its length in bytes without
// the zero, as snprintf does: a text of text_len bytes or more is cut, at the end of a letter.
// text may be null if text_len is 0. Only programs that call it have the texts in their flash.
size_t lcl_error_text(const lcl_error *why, char *text, size_t text_len);

// Returns the version of the header that the library was built with: a program compares it with
// LCL_HEADER_VERSION.
uint32_t lcl_version(void);

// Writes to out the length in bytes of the model that begins with bytes, of which the first 40
// are enough: where a model lies in a larger region of flash.
lcl_status lcl_model_len(const uint8_t *bytes, size_t len, size_t *out, lcl_error *why);

// Opens a model: checks every byte of it, once. bytes start at a multiple of 16 and stay as they are
// as long as the model is used. why may be null.
lcl_status lcl_model_open(lcl_model *model, const uint8_t *bytes, size_t len, lcl_error *why);

// Returns the bytes of memory that an engine needs for images of width pixels: SIZE_MAX for a width
// that no engine takes, 0 for what is no opened model. LCL_V2_MEMORY_LEN is a constant for the
// published model.
size_t lcl_memory_len(const lcl_model *model, size_t width);

// Returns the bytes of memory that lcl_self_test needs, or 0 for what is no opened model.
size_t lcl_self_test_memory_len(const lcl_model *model);

// Tests the model's bytes, and the features of its golden image on this machine: LCL_SELF_TEST names
// in its text the link at fault. The memory may be that of an engine that is initialised afterwards.
lcl_status lcl_self_test(const lcl_model *model, uint8_t *memory, size_t memory_len, lcl_error *why);

// Writes to out what one step of a channel's byte is worth in the rows of a tap: real = scale · byte.
lcl_status lcl_scale(const lcl_model *model, const char *tap, size_t channel, float *out);

// Makes an engine in memory of memory_len bytes, at least lcl_memory_len of the model and the width,
// wherever they start; it stays there, and the engine is usable until the memory is used otherwise.
// Nothing is to be freed. why may be null, here and elsewhere.
lcl_status lcl_engine_init(lcl_engine **engine, const lcl_model *model, size_t width, size_t height, lcl_pixels pixels, void *memory, size_t memory_len, lcl_error *why);

// Returns the bytes of a row of the image, or 0 for what is no engine.
size_t lcl_row_len(const lcl_engine *engine);

// Writes to out the size of a tap's map, such as that of "V2".
lcl_status lcl_map_of(const lcl_engine *engine, const char *tap, lcl_map *out);

// Takes in the next row of the image, of lcl_row_len bytes, and calls callback with each row of
// features that it completes, V1 before the V2 that needs it. callback may be null; it may call any
// function but those of the same engine.
lcl_status lcl_push_row(lcl_engine *engine, const uint8_t *row, size_t row_len, lcl_row_callback callback, void *context, lcl_error *why);

// Ends the frame, whose rows have all been pushed; the next row starts another.
lcl_status lcl_finish(lcl_engine *engine, lcl_error *why);

// Gives the frame up, complete or not; the next row starts another.
lcl_status lcl_reset(lcl_engine *engine, lcl_error *why);

// Returns the bytes of memory that a watcher of an engine's V2 needs, or 0 for what is no engine or has
// no V2.
size_t lcl_watcher_memory_len(const lcl_engine *engine);

// Makes a watcher of an engine's V2 in memory of at least lcl_watcher_memory_len bytes, which is not
// the engine's. With settings null they are the usual ones.
lcl_status lcl_watcher_init(lcl_watcher **watcher, const lcl_engine *engine, const lcl_watch_settings *settings, void *memory, size_t memory_len, lcl_error *why);

// Takes in a row of features, as a callback gets it; rows of other taps than V2 are passed over.
lcl_status lcl_watcher_push(lcl_watcher *watcher, const lcl_row *row, lcl_error *why);

// Ends a frame of which every row of V2 has arrived, and writes to out how far it departed.
lcl_status lcl_watcher_finish(lcl_watcher *watcher, lcl_novelty *out, lcl_error *why);

// Gives the frame up: no event comes of it.
lcl_status lcl_watcher_reset(lcl_watcher *watcher, lcl_error *why);

// Writes an event's bytes, at most LCL_EVENT_MAX_LEN, and their number to written.
lcl_status lcl_event(const lcl_novelty *novelty, uint8_t *out, size_t out_len, size_t *written);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LCL_INFER_H */
