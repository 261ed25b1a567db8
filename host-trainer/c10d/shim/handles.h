// What stands behind the handles, and how exceptions become texts.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <torch/csrc/distributed/c10d/Work.hpp>

#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <string>

#include "shim.h"

struct c10d_store {
  c10::intrusive_ptr<c10d::Store> store;
};

struct c10d_group {
  // The group holds its own hold on the store.
  c10::intrusive_ptr<c10d::Backend> backend;
  // What it did since it was last asked.
  std::atomic<uint64_t> operations{0};
  std::atomic<uint64_t> bytes{0};
  std::atomic<uint64_t> waited_ns{0};
  // Whether an operation failed, be it in a backward pass, whose exceptions
  // come out of autograd.
  std::atomic<bool> failed{false};

  void count(const at::Tensor& tensor) {
    operations += 1;
    bytes += tensor.nbytes();
  }

  // Begins or awaits an operation, and notes the time and a failure.
  template <typename Body>
  auto attempt(Body body) {
    struct Timed {
      c10d_group& group;
      std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
      bool done = false;
      ~Timed() {
        using std::chrono::nanoseconds;
        const auto elapsed = std::chrono::steady_clock::now() - start;
        group.waited_ns += std::chrono::duration_cast<nanoseconds>(elapsed).count();
        group.failed = group.failed || !done;
      }
    } timed{*this};
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      timed.done = true;
    } else {
      auto result = body();
      timed.done = true;
      return result;
    }
  }

  // Sums `tensor` over all ranks, in place, and waits for it.
  void sum_in_place(at::Tensor& tensor) {
    count(tensor);
    std::vector<at::Tensor> tensors{tensor};
    attempt([&] { backend->allreduce(tensors)->wait(); });
  }
};

struct c10d_work {
  c10::intrusive_ptr<c10d::Work> work;
  // What the work writes to must live as long as the work, and who counts the
  // time as well.
  at::Tensor tensor;
  c10d_group* group;
};

inline char* text(const std::string& message) {
  return strdup(message.c_str());
}

template <typename Body>
char* guarded(Body body) {
  try {
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return text(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return text(error.what());
  } catch (...) {
    return text("an unknown exception");
  }
}
