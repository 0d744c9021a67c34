// A stand-in for a GPU: libtorch's CUDA device with a CPU's arithmetic, to test the program's use of
// a device on machines without one. Its tensors are in ordinary memory, and the CPU computes every
// operation on them; but
//
//  * an operation that mixes them with tensors of the CPU fails, as on a GPU;
//  * transfers, and waits of the host for the device, are counted;
//  * its memory can be limited, at the start or later, and then it runs out of memory with CUDA's
//    message;
//  * backward convolutions can find no plan, with cuDNN's message, as without workspace memory;
//  * it can break, and then fails like a GPU whose context is lost.
//
// It does not show a GPU's speed, its rounding, or operations that are missing in CUDA. Preload it
// with LD_PRELOAD=…/libstand_in.so; STAND_IN_MEMORY is its memory in bytes.

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/Resize.h>
#include <ATen/native/TensorFactories.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>

using at::Tensor;
using c10::Storage;
using c10::StorageImpl;

namespace {

const c10::Device CARD(c10::kCUDA, 0);

// Bytes transferred, waits and operations.
std::atomic<uint64_t> to_device{0}, to_host{0}, waits{0}, operations{0};
// Whether the device is broken.
std::atomic<bool> broken{false};
// A backward convolution has no plan if its gradients have more bytes than this.
std::atomic<uint64_t> planned{UINT64_MAX};
// Bytes that tensors hold, and their peak.
std::atomic<size_t> held{0}, peak{0};

std::atomic<size_t>& memory() {
  static std::atomic<size_t> bytes{[] {
    const char* given = std::getenv("STAND_IN_MEMORY");
    return given ? std::strtoull(given, nullptr, 10) : SIZE_MAX;
  }()};
  return bytes;
}

// A piece of the device's memory: ordinary memory of another owner, counted during its lifetime.
struct Piece {
  c10::DataPtr data;
  size_t bytes;

  Piece(c10::DataPtr data, size_t bytes) : data(std::move(data)), bytes(bytes) {
    const size_t now = held += bytes;
    if (now > memory()) {
      held -= bytes;
      TORCH_CHECK_WITH(
          OutOfMemoryError, false, "CUDA out of memory. Tried to allocate ", bytes, " bytes.");
    }
    for (size_t before = peak; before < now && !peak.compare_exchange_weak(before, now);) {
    }
  }
  ~Piece() {
    held -= bytes;
  }
  static void drop(void* piece) {
    delete static_cast<Piece*>(piece);
  }
  // A pointer to it on the device.
  static c10::DataPtr on_card(c10::DataPtr data, size_t bytes) {
    auto* piece = new Piece(std::move(data), bytes);
    return {piece->data.get(), piece, drop, CARD};
  }
};

// Pinned memory of the host, by its first address.
std::mutex pins;
std::map<const void*, size_t> pinned;

bool is_pinned(const void* at) {
  std::lock_guard<std::mutex> locked(pins);
  auto behind = pinned.upper_bound(at);
  if (behind == pinned.begin()) {
    return false;
  }
  --behind;
  return static_cast<const char*>(at) < static_cast<const char*>(behind->first) + behind->second;
}

struct PinnedAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* piece = std::malloc(std::max<size_t>(bytes, 1));
    std::lock_guard<std::mutex> locked(pins);
    pinned[piece] = bytes;
    return {piece, piece, drop, c10::kCPU};
  }
  static void drop(void* piece) {
    {
      std::lock_guard<std::mutex> locked(pins);
      pinned.erase(piece);
    }
    std::free(piece);
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

PinnedAllocator pinned_allocator;

struct CardAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    return Piece::on_card(c10::GetCPUAllocator()->allocate(bytes), bytes);
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

CardAllocator card_allocator;
REGISTER_ALLOCATOR(c10::kCUDA, &card_allocator)

struct Guard final : c10::impl::DeviceGuardImplInterface {
  static c10::Stream stream() {
    return c10::Stream(c10::Stream::DEFAULT, CARD);
  }
  c10::DeviceType type() const override {
    return c10::kCUDA;
  }
  c10::Device exchangeDevice(c10::Device) const override {
    return CARD;
  }
  c10::Device getDevice() const override {
    return CARD;
  }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override {
    return stream();
  }
  c10::Stream getDefaultStream(c10::Device) const override {
    return stream();
  }
  c10::Stream exchangeStream(c10::Stream) const override {
    return stream();
  }
  c10::DeviceIndex deviceCount() const noexcept override {
    return 1;
  }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override {
    return true;
  }
  bool queryStream(const c10::Stream&) const override {
    return true;
  }
  void synchronizeStream(const c10::Stream&) const override {
    ++waits;
  }
};

C10_REGISTER_GUARD_IMPL(CUDA, Guard)

// libtorch looks for hooks of this name.
struct CUDAHooks final : at::CUDAHooksInterface {
  explicit CUDAHooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override {
    return true;
  }
  bool isBuilt() const override {
    return true;
  }
  bool isAvailable() const override {
    return true;
  }
  bool isPinnedPtr(const void* data) const override {
    return is_pinned(data);
  }
  c10::Allocator* getPinnedMemoryAllocator() const override {
    return &pinned_allocator;
  }
  bool hasPrimaryContext(c10::DeviceIndex) const override {
    return true;
  }
  c10::DeviceIndex current_device() const override {
    return 0;
  }
  c10::DeviceIndex deviceCount() const override {
    return 1;
  }
  c10::DeviceIndex getCurrentDevice() const override {
    return 0;
  }
  int getNumGPUs() const override {
    return 1;
  }
  void deviceSynchronize(c10::DeviceIndex) const override {
    ++waits;
  }
};

} // namespace

namespace at {
using ::CUDAHooks;
REGISTER_CUDA_HOOKS(CUDAHooks)
} // namespace at

namespace {

// One operation's tensors as tensors of the CPU: the same memory under another device.
class Seen {
  struct Pair {
    Tensor card, cpu;
    Storage storage;
  };
  std::vector<Pair> pairs;

 public:
  Tensor on_cpu(const Tensor& card) {
    for (const Pair& pair : pairs) {
      if (pair.card.is_same(card)) {
        return pair.cpu;
      }
    }
    const Storage& storage = card.storage();
    auto* kept = new Storage(storage);
    c10::DataPtr data(
        storage.mutable_data(), kept, [](void* kept) { delete static_cast<Storage*>(kept); }, c10::kCPU);
    Storage seen(c10::make_intrusive<StorageImpl>(
        StorageImpl::use_byte_size_t(), storage.nbytes(), std::move(data), c10::GetCPUAllocator(), true));
    Tensor cpu = at::detail::make_tensor<at::TensorImpl>(
        std::move(seen), c10::DispatchKeySet(c10::DispatchKey::CPU), card.dtype());
    auto* impl = cpu.unsafeGetTensorImpl();
    impl->set_sizes_and_strides(card.sizes(), card.strides(), card.storage_offset());
    if (card.unsafeGetTensorImpl()->is_wrapped_number()) {
      impl->set_wrapped_number(true);
    }
    pairs.push_back({card, cpu, storage});
    return cpu;
  }

  Tensor on_card(const Tensor& cpu) const {
    for (const Pair& pair : pairs) {
      if (pair.cpu.is_same(cpu)) {
        return pair.card;
      }
    }
    Tensor card = at::detail::make_tensor<at::TensorImpl>(
        storage_on_card(cpu.storage()), c10::DispatchKeySet(c10::DispatchKey::CUDA), cpu.dtype());
    card.unsafeGetTensorImpl()->set_sizes_and_strides(cpu.sizes(), cpu.strides(), cpu.storage_offset());
    return card;
  }

  // Tensors that an operation resized are resized on the device too.
  void settle() const {
    for (const Pair& pair : pairs) {
      auto* card = pair.card.unsafeGetTensorImpl();
      if (pair.cpu.storage().data() != pair.storage.data()) {
        card->set_storage_keep_dtype(storage_on_card(pair.cpu.storage()));
      }
      if (pair.cpu.sizes() != pair.card.sizes() || pair.cpu.strides() != pair.card.strides()) {
        card->set_sizes_and_strides(pair.cpu.sizes(), pair.cpu.strides(), pair.cpu.storage_offset());
      }
    }
  }

 private:
  Storage storage_on_card(const Storage& cpu) const {
    for (const Pair& pair : pairs) {
      if (pair.cpu.storage().unsafeGetStorageImpl() == cpu.unsafeGetStorageImpl() &&
          cpu.data() == pair.storage.data()) {
        return pair.storage;
      }
    }
    auto* kept = new Storage(cpu);
    c10::DataPtr owned(
        cpu.mutable_data(), kept, [](void* kept) { delete static_cast<Storage*>(kept); }, c10::kCPU);
    return c10::make_intrusive<StorageImpl>(
        StorageImpl::use_byte_size_t(), cpu.nbytes(), Piece::on_card(std::move(owned), cpu.nbytes()),
        &card_allocator, true);
  }
};

// Operations after which CUDA's kernels wait: the size of their result depends on values.
bool waits_for_values(const std::string& name) {
  static const std::set<std::string> waiting{
      "aten::nonzero", "aten::masked_select", "aten::equal", "aten::_unique2", "aten::unique_dim",
      "aten::unique_consecutive", "aten::repeat_interleave", "aten::bincount"};
  return waiting.count(name) > 0;
}

// Views, which launch nothing.
bool is_view(const c10::FunctionSchema& schema) {
  return std::any_of(schema.returns().begin(), schema.returns().end(), [](const c10::Argument& result) {
    return result.alias_info() && !result.alias_info()->isWrite();
  });
}

void on_the_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& name = op.schema().name();
  TORCH_CHECK(!broken, "CUDA error: an illegal memory access was encountered");
  Seen seen;
  const auto convert = [&](const Tensor& tensor) {
    if (!tensor.defined()) {
      return tensor;
    }
    if (tensor.is_cuda()) {
      return seen.on_cpu(tensor);
    }
    TORCH_CHECK(
        tensor.dim() == 0,
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (", name, ")");
    return tensor;
  };
  const size_t count = op.schema().arguments().size();
  for (size_t at = stack->size() - count; at < stack->size(); ++at) {
    c10::IValue& value = (*stack)[at];
    if (value.isTensor()) {
      value = convert(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& tensor : value.toTensorVector()) {
        list.push_back(convert(tensor));
      }
      value = list;
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<Tensor>> list;
      for (const std::optional<Tensor>& tensor : value.toOptionalTensorList()) {
        list.push_back(tensor ? std::optional<Tensor>(convert(*tensor)) : std::nullopt);
        if (tensor && tensor->defined() && (tensor->scalar_type() == at::kBool || tensor->scalar_type() == at::kByte)) {
          ++waits;
        }
      }
      value = list;
    } else if (value.isDevice()) {
      value = c10::Device(c10::kCPU);
    }
  }
  waits += waits_for_values(name);
  operations += !is_view(op.schema());
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  seen.settle();
  const size_t results = op.schema().returns().size();
  if (name == "aten::convolution_backward") {
    const c10::IValue& gradient = (*stack)[stack->size() - results];
    const bool any = gradient.isTensor() && gradient.toTensor().defined();
    TORCH_CHECK(
        !any || gradient.toTensor().nbytes() <= planned, "GET was unable to find an engine to execute this computation");
  }
  for (size_t at = stack->size() - results; at < stack->size(); ++at) {
    c10::IValue& value = (*stack)[at];
    if (value.isTensor() && value.toTensor().defined()) {
      value = seen.on_card(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& tensor : value.toTensorVector()) {
        list.push_back(seen.on_card(tensor));
      }
      value = list;
    }
  }
}

Tensor empty(
    at::IntArrayRef size, std::optional<at::ScalarType> kind, std::optional<at::Layout>, std::optional<at::Device>,
    std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(
      size, &card_allocator, c10::DispatchKeySet(c10::DispatchKey::CUDA), c10::dtype_or_default(kind), format);
}

Tensor empty_strided(
    at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> kind, std::optional<at::Layout>,
    std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(
      size, stride, &card_allocator, c10::DispatchKeySet(c10::DispatchKey::CUDA), c10::dtype_or_default(kind));
}

// A copy within the device, or a transfer. For a transfer the host waits, unless the copy is
// non-blocking and its source is pinned.
Tensor& copy(Tensor& self, const Tensor& source, bool non_blocking) {
  Seen seen;
  const auto convert = [&](const Tensor& tensor) { return tensor.is_cuda() ? seen.on_cpu(tensor) : tensor; };
  if (!self.is_cuda()) {
    to_host += source.nbytes();
    ++waits;
  } else if (!source.is_cuda()) {
    to_device += source.nbytes();
    waits += !(non_blocking && is_pinned(source.const_data_ptr()));
  }
  ++operations;
  convert(self).copy_(convert(source));
  return self;
}

c10::Scalar number(const Tensor& self) {
  to_host += self.element_size();
  ++waits;
  Seen seen;
  return at::_local_scalar_dense(seen.on_cpu(self));
}

Tensor as_strided(
    const Tensor& self, at::IntArrayRef size, at::IntArrayRef stride, std::optional<int64_t> offset) {
  Seen seen;
  return seen.on_card(seen.on_cpu(self).as_strided(size, stride, offset));
}

} // namespace

TORCH_LIBRARY_IMPL(_, CUDA, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
}

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("copy_", copy);
  library.impl("_local_scalar_dense", number);
  library.impl("as_strided", as_strided);
  for (const char* whole : {"convolution", "convolution_backward"}) {
    // Otherwise libtorch would look for cuDNN.
    library.impl(whole, torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
  }
}

// For tests: bytes transferred each way, waits of the host, and operations, since the process started.
extern "C" uint64_t stand_in_to_device() {
  return to_device;
}
extern "C" uint64_t stand_in_to_host() {
  return to_host;
}
extern "C" uint64_t stand_in_waits() {
  return waits;
}
extern "C" uint64_t stand_in_operations() {
  return operations;
}
// The peak of bytes that tensors held.
extern "C" uint64_t stand_in_peak_memory() {
  return peak;
}
// Sets the memory from now on.
extern "C" void stand_in_set_memory(uint64_t bytes) {
  memory() = bytes;
}
// From now on backward convolutions with larger gradients find no plan.
extern "C" void stand_in_plan_up_to(uint64_t bytes) {
  planned = bytes;
}
// Breaks the device: every operation fails from now on.
extern "C" void stand_in_break() {
  broken = true;
}
