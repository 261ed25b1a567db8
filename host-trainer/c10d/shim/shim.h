// What c10d gives to Rust: plain C, no exception crosses.
//
// Every function that can fail returns nothing, or a text that says why; the
// caller frees it with c10d_text_free.
#pragma once

#include <cstddef>
#include <cstdint>

namespace at {
class Tensor;
}

extern "C" {
struct c10d_store;
struct c10d_group;
struct c10d_work;

void c10d_text_free(char* text);

char* c10d_store_new(
    const char* host,
    uint16_t port,
    bool serves,
    int64_t timeout_ms,
    c10d_store** store);
char* c10d_store_set(c10d_store* store, const char* key, const uint8_t* value, size_t len);
char* c10d_store_get(c10d_store* store, const char* key, int64_t timeout_ms, uint8_t** value, size_t* len);
char* c10d_store_has(c10d_store* store, const char* key, bool* there);
char* c10d_store_add(c10d_store* store, const char* key, int64_t delta, int64_t* sum);
void c10d_bytes_free(uint8_t* bytes);
void c10d_store_free(c10d_store* store);

bool c10d_has_nccl();
// `address` is the one of this machine that Gloo listens on.
char* c10d_group_new(
    c10d_store* store,
    const char* prefix,
    bool nccl,
    int rank,
    int size,
    const char* address,
    int64_t timeout_ms,
    c10d_group** group);
void c10d_group_free(c10d_group* group);

// Whether an operation failed since the group was made.
bool c10d_group_failed(c10d_group* group);

// Operations, bytes that they were given and nanoseconds that they took the
// caller, since this was last asked.
void c10d_group_take_traffic(
    c10d_group* group,
    uint64_t* operations,
    uint64_t* bytes,
    uint64_t* waited_ns);

// Sums over all ranks, in place. `work` is to be waited for.
char* c10d_all_reduce(c10d_group* group, at::Tensor* tensor, c10d_work** work);
char* c10d_broadcast(c10d_group* group, at::Tensor* tensor, int root, c10d_work** work);
char* c10d_work_wait(c10d_work* work);
void c10d_work_free(c10d_work* work);

// The sum over all ranks. Its gradient is taken to be the same on all of them
// and goes back as it is.
char* c10d_sum(c10d_group* group, at::Tensor* tensor, at::Tensor** sum);

// Batch norm with the statistics of all ranks; `count` is the number of values
// of a channel over all ranks, `mean` and `variance` (biased) what was used.
char* c10d_batch_norm(
    c10d_group* group,
    at::Tensor* x,
    at::Tensor* weight,
    at::Tensor* bias,
    double eps,
    at::Tensor** y,
    at::Tensor** mean,
    at::Tensor** variance,
    double* count);
}
