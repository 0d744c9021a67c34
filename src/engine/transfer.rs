//! Copies from host memory to a GPU. A copy from pinned memory is asynchronous; a copy from other memory
//! blocks until the device has finished everything that was queued before it.

use tch::{Device, Tensor};

/// Alignment in bytes that suits numbers of any kind.
const ALIGNED: i64 = 16;

/// Uploads tensors to a device in one asynchronous transfer and replaces them by the copies. On the CPU
/// they stay as they are.
///
/// # Panics
/// If a tensor is not on the CPU.
pub fn upload<'t>(tensors: impl IntoIterator<Item = &'t mut Tensor>, device: Device) {
    let tensors: Vec<&mut Tensor> = tensors.into_iter().collect();
    if !device.is_cuda() || tensors.is_empty() {
        return;
    }
    let pieces: Vec<Tensor> = tensors.iter().map(|tensor| in_bytes(tensor)).collect();
    let together = pieces.iter().map(|piece| {
        let beyond = (ALIGNED - piece.size()[0] % ALIGNED) % ALIGNED;
        piece.constant_pad_nd([0, beyond])
    });
    let together: Vec<Tensor> = together.collect();
    let arrived = from_pinned(&pinned(&Tensor::cat(&together, 0), device), device);
    let mut start = 0;
    for ((tensor, piece), padded) in tensors.into_iter().zip(pieces).zip(together) {
        let there = arrived.narrow(0, start, piece.size()[0]);
        *tensor = there.view_dtype(tensor.kind()).view(tensor.size().as_slice());
        start += padded.size()[0];
    }
}

fn in_bytes(tensor: &Tensor) -> Tensor {
    tensor.contiguous().view([-1]).view_dtype(tch::Kind::Uint8)
}

/// A copy in pinned memory, for a GPU; on the CPU the tensor itself.
pub(crate) fn pinned(tensor: &Tensor, device: Device) -> Tensor {
    match device {
        // `pin_memory` warns about its argument, which tch always passes.
        Device::Cuda(_) => tensor.internal_pin_memory(device),
        _ => tensor.shallow_clone(),
    }
}

/// An asynchronous copy of a pinned tensor on a device, in order with the device's other work.
pub fn from_pinned(pinned: &Tensor, device: Device) -> Tensor {
    pinned.to_device_(device, pinned.kind(), true, false)
}
