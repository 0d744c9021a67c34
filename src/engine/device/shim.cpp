// What tch has no call for, as C functions (the context's setters, ATen/Context.h).

#include <ATen/Context.h>

// Whether a GPU's convolutions may round what they multiply to tf32; other products may not.
extern "C" void repro_allow_tf32(bool convolutions) {
    at::Context &context = at::globalContext();
    context.setAllowTF32CuDNN(convolutions);
    context.setAllowTF32CuBLAS(false);
}

// Whether other products may.
extern "C" bool repro_products_allow_tf32() { return at::globalContext().allowTF32CuBLAS(); }
