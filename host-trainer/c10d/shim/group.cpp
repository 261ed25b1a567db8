// The store, the process group and its collectives.
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <c10/util/Logging.h>

#include <mutex>

#include "handles.h"

using std::chrono::milliseconds;

namespace {

// c10d tells each thing that it waits for or loses in lines of its own, some
// with a backtrace; what comes of it is an exception. Only Python's start sets
// the level by itself.
void say_nothing() {
  static std::once_flag once;
  std::call_once(once, [] {
    setenv("TORCH_CPP_LOG_LEVEL", "FATAL", /*overwrite=*/0);
    c10::initLogging();
  });
}

} // namespace

extern "C" {

void c10d_text_free(char* text) {
  std::free(text);
}

void c10d_bytes_free(uint8_t* bytes) {
  std::free(bytes);
}

char* c10d_store_new(
    const char* host,
    uint16_t port,
    bool serves,
    int64_t timeout_ms,
    c10d_store** store) {
  return guarded([&] {
    say_nothing();
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serves;
    // Workers say who they are themselves, so that a missing one is named.
    options.waitWorkers = false;
    options.timeout = milliseconds(timeout_ms);
    *store = new c10d_store{c10::make_intrusive<c10d::TCPStore>(host, options)};
  });
}

char* c10d_store_set(c10d_store* store, const char* key, const uint8_t* value, size_t len) {
  return guarded([&] { store->store->set(key, std::vector<uint8_t>(value, value + len)); });
}

char* c10d_store_get(c10d_store* store, const char* key, int64_t timeout_ms, uint8_t** value, size_t* len) {
  return guarded([&] {
    store->store->wait({key}, milliseconds(timeout_ms));
    const auto bytes = store->store->get(key);
    *value = static_cast<uint8_t*>(std::malloc(std::max<size_t>(bytes.size(), 1)));
    if (*value == nullptr) {
      throw std::bad_alloc();
    }
    std::memcpy(*value, bytes.data(), bytes.size());
    *len = bytes.size();
  });
}

char* c10d_store_has(c10d_store* store, const char* key, bool* there) {
  return guarded([&] { *there = store->store->check({key}); });
}

char* c10d_store_add(c10d_store* store, const char* key, int64_t delta, int64_t* sum) {
  return guarded([&] { *sum = store->store->add(key, delta); });
}

void c10d_store_free(c10d_store* store) {
  delete store;
}

bool c10d_has_nccl() {
#ifdef USE_C10D_NCCL
  return true;
#else
  return false;
#endif
}

char* c10d_group_new(
    c10d_store* store,
    const char* prefix,
    bool nccl,
    int rank,
    int size,
    const char* address,
    int64_t timeout_ms,
    c10d_group** group) {
  return guarded([&] {
    auto prefixed = c10::make_intrusive<c10d::PrefixStore>(prefix, store->store);
    const milliseconds timeout(timeout_ms);
    if (nccl) {
#ifdef USE_C10D_NCCL
      auto options = c10d::ProcessGroupNCCL::Options::create();
      options->timeout = timeout;
      *group = new c10d_group{
          c10::make_intrusive<c10d::ProcessGroupNCCL>(prefixed, rank, size, options)};
      return;
#else
      throw std::runtime_error("built without NCCL");
#endif
    }
    using Gloo = c10d::ProcessGroupGloo;
    auto options = Gloo::Options::create(timeout);
    const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
    if (interface != nullptr && *interface != '\0') {
      options->devices = {Gloo::createDeviceForInterface(interface)};
    } else {
      options->devices = {Gloo::createDeviceForHostname(address)};
    }
    *group = new c10d_group{c10::make_intrusive<Gloo>(prefixed, rank, size, options)};
  });
}

void c10d_group_free(c10d_group* group) {
  // A group whose peers are gone may throw while it is taken down.
  char* error = guarded([&] { delete group; });
  std::free(error);
}

bool c10d_group_failed(c10d_group* group) {
  return group->failed;
}

void c10d_group_take_traffic(
    c10d_group* group,
    uint64_t* operations,
    uint64_t* bytes,
    uint64_t* waited_ns) {
  *operations = group->operations.exchange(0);
  *bytes = group->bytes.exchange(0);
  *waited_ns = group->waited_ns.exchange(0);
}

char* c10d_all_reduce(c10d_group* group, at::Tensor* tensor, c10d_work** work) {
  return guarded([&] {
    std::vector<at::Tensor> tensors{*tensor};
    group->count(*tensor);
    auto begun = group->attempt([&] { return group->backend->allreduce(tensors); });
    *work = new c10d_work{begun, *tensor, group};
  });
}

char* c10d_broadcast(c10d_group* group, at::Tensor* tensor, int root, c10d_work** work) {
  return guarded([&] {
    std::vector<at::Tensor> tensors{*tensor};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    group->count(*tensor);
    auto begun = group->attempt([&] { return group->backend->broadcast(tensors, options); });
    *work = new c10d_work{begun, *tensor, group};
  });
}

char* c10d_work_wait(c10d_work* work) {
  return guarded([&] { work->group->attempt([&] { work->work->wait(); }); });
}

void c10d_work_free(c10d_work* work) {
  delete work;
}
}
