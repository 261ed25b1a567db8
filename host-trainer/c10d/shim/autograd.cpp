// Sums over all ranks that gradients pass, and batch norm made of them.
//
// Each rank computes the whole loss from sums over all ranks. The gradient of a
// sum is the same on all of them, and so the gradient of each rank's part.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable.h>

#include <ATen/ATen.h>

#include "handles.h"

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

// A group as a number, which is what autograd passes on. The trainer keeps its
// group for as long as it trains.
int64_t number_of(c10d_group* group) {
  return reinterpret_cast<int64_t>(group);
}

c10d_group& group_of(int64_t number) {
  return *reinterpret_cast<c10d_group*>(number);
}

struct Sum : public Function<Sum> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& x, int64_t group) {
    auto sum = x.contiguous().clone();
    group_of(group).sum_in_place(sum);
    return sum;
  }

  static tensor_list backward(AutogradContext*, const tensor_list& gradients) {
    return {gradients[0], at::Tensor()};
  }
};

// A vector over channels, shaped to go with `x`, [N, C, …].
at::Tensor along_channels(const at::Tensor& vector, const at::Tensor& x) {
  std::vector<int64_t> shape(x.dim(), 1);
  shape[1] = x.size(1);
  return vector.to(x.scalar_type()).view(shape);
}

struct BatchNorm : public Function<BatchNorm> {
  static tensor_list forward(
      AutogradContext* context,
      const at::Tensor& x,
      const at::Tensor& weight,
      const at::Tensor& bias,
      double eps,
      int64_t group) {
    context->saved_data["group"] = group;
    context->saved_data["eps"] = eps;
    const auto channels = x.size(1);
    const double own = static_cast<double>(x.numel() / channels);
    // Moments of this rank, which libtorch computes stably, in 64 bits, where
    // joining them loses nothing.
    const auto moments = at::batch_norm_update_stats(x, {}, {}, 0.0);
    const auto mean = std::get<0>(moments).to(at::kDouble);
    const auto variance = std::get<1>(moments).to(at::kDouble);
    auto sums = at::cat(
        {mean * own, (variance + mean.square()) * own, at::full({1}, own, mean.options())});
    group_of(group).sum_in_place(sums);
    const double count = sums[2 * channels].item<double>();
    const auto joint_mean = sums.narrow(0, 0, channels) / count;
    const auto joint_variance =
        (sums.narrow(0, channels, channels) / count - joint_mean.square()).clamp_min(0.0);
    const auto kind = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const auto used_mean = joint_mean.to(kind);
    const auto used_variance = joint_variance.to(kind);
    const auto y = at::batch_norm(
        x, weight, bias, used_mean, used_variance, /*training=*/false, 0.0, eps, /*cudnn_enabled=*/true);
    context->save_for_backward({x, weight, used_mean, used_variance});
    context->saved_data["count"] = count;
    const auto total = at::full({}, count, mean.options());
    context->mark_non_differentiable({used_mean, used_variance, total});
    return {y, used_mean, used_variance, total};
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &mean = saved[2], &variance = saved[3];
    const double eps = context->saved_data["eps"].toDouble();
    const double count = context->saved_data["count"].toDouble();
    const auto channels = x.size(1);
    // With the statistics held fixed: dx = dy · w / s, dw = Σ dy · x̂, db = Σ dy.
    auto fixed = at::native_batch_norm_backward(
        gradients[0], x, weight, mean, variance, {}, {}, /*train=*/false, eps, {true, true, true});
    auto dx = std::get<0>(fixed);
    const auto dw = std::get<1>(fixed), db = std::get<2>(fixed);
    auto sums = at::cat({dw, db}).to(at::kDouble);
    group_of(context->saved_data["group"].toInt()).sum_in_place(sums);
    // What the statistics carry: dx -= w / s · (Σ dy / n + x̂ · Σ (dy · x̂) / n).
    const auto inverse = (variance.to(at::kDouble) + eps).rsqrt();
    const auto scale = weight.to(at::kDouble) * inverse / count;
    const auto slope = scale * inverse * sums.narrow(0, 0, channels);
    const auto offset = scale * sums.narrow(0, channels, channels) - slope * mean;
    dx = dx.sub_(along_channels(offset, x)).addcmul_(x, along_channels(slope, x), -1);
    return {dx, dw, db, at::Tensor(), at::Tensor()};
  }
};

} // namespace

extern "C" {

char* c10d_sum(c10d_group* group, at::Tensor* tensor, at::Tensor** sum) {
  return guarded([&] {
    *sum = new at::Tensor(Sum::apply(*tensor, number_of(group)));
  });
}

char* c10d_batch_norm(
    c10d_group* group,
    at::Tensor* x,
    at::Tensor* weight,
    at::Tensor* bias,
    double eps,
    at::Tensor** y,
    at::Tensor** mean,
    at::Tensor** variance,
    double* count) {
  return guarded([&] {
    auto outputs = BatchNorm::apply(*x, *weight, *bias, eps, number_of(group));
    *count = outputs[3].item<double>();
    *y = new at::Tensor(outputs[0]);
    *mean = new at::Tensor(outputs[1]);
    *variance = new at::Tensor(outputs[2]);
  });
}
}
