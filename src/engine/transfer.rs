//! The way to a GPU. It fetches what lies in pinned memory by itself, while everything else goes on; a copy out
//! of other memory is waited for, and with it all that the device was given before.

use tch::{Device, Tensor};

/// Bytes that numbers of any kind may begin at a multiple of.
const ALIGNED: i64 = 16;

/// Sends tensors to a device, all in one piece, and puts what arrives in their place. Nobody waits. For the
/// CPU they are left as they are.
///
/// # Panics
/// If one is not on the CPU.
pub fn send<'t>(tensors: impl IntoIterator<Item = &'t mut Tensor>, device: Device) {
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
    let arrived = fetched(&pinned(&Tensor::cat(&together, 0), device), device);
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

/// A tensor in memory that a GPU fetches from; for the CPU the same.
pub(crate) fn pinned(tensor: &Tensor, device: Device) -> Tensor {
    match device {
        // `pin_memory` itself warns of its argument, which tch makes it take.
        Device::Cuda(_) => tensor.internal_pin_memory(device),
        _ => tensor.shallow_clone(),
    }
}

/// A pinned tensor on a device, where it will be when the device comes to what needs it.
pub fn fetched(pinned: &Tensor, device: Device) -> Tensor {
    pinned.to_device_(device, pinned.kind(), true, false)
}
