// A CUDA driver, NVRTC and cuBLAS for machines without a GPU: the calls that the engine makes, done on the processor
// with the engine's own kernels (kernels.cu through shim.h). It exists so that the engine's tests go through all of its
// CUDA code; `run` builds it and runs them. It says nothing of speed, nor of what only hardware shows.
//
// Memory ends at a page that cannot be touched, so that a kernel that reaches beyond a buffer ends the process; new
// memory is NaN. FAKE_CUDA_DEVICES=0 is a driver without a GPU; FAKE_CUDA_MEMORY is a bound in bytes.

#include "shim.h"

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include KERNELS

typedef int Result;
typedef unsigned long long Pointer;

static const Result OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, NOT_FOUND = 500;

// ---- Kernels by name ----

struct Kernel {
    bool barriers;
    std::function<void(void**)> call;
};

template <typename... Arguments, size_t... Places>
static void unpack(void (*kernel)(Arguments...), void** arguments, std::index_sequence<Places...>) {
    kernel(*static_cast<Arguments*>(arguments[Places])...);
}

template <typename... Arguments>
static std::function<void(void**)> taking(void (*kernel)(Arguments...)) {
    return [kernel](void** arguments) { unpack(kernel, arguments, std::index_sequence_for<Arguments...>{}); };
}

#define PLAIN(name) {#name, {false, taking(name)}}
#define WITH_BARRIERS(name) {#name, {true, taking(name)}}

static std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> all = {
        PLAIN(embed_f32),
        PLAIN(embed_bf16),
        WITH_BARRIERS(norm_rows),
        PLAIN(gather),
        PLAIN(scatter),
        PLAIN(add_rows),
        PLAIN(add_bias),
        PLAIN(gate_silu),
        PLAIN(gate_gelu),
        PLAIN(soft_cap),
        PLAIN(round_bf16),
        PLAIN(rotate),
        WITH_BARRIERS(product_f32_few),
        WITH_BARRIERS(product_f32_many),
        WITH_BARRIERS(product_bf16_few),
        WITH_BARRIERS(product_bf16_many),
        WITH_BARRIERS(attend_64),
        WITH_BARRIERS(attend_128),
        WITH_BARRIERS(attend_256),
        WITH_BARRIERS(log_sum),
        PLAIN(pick),
    };
    return all;
}

// ---- Memory ----

struct Allocation {
    void* pages;
    size_t length, asked;
};

static std::mutex guard;
static std::map<Pointer, Allocation> allocations;
static size_t used;

static long setting(const char* name, long otherwise) {
    const char* text = getenv(name);
    return text ? atol(text) : otherwise;
}

// Whether a stretch lies within one allocation.
static bool within(Pointer pointer, size_t bytes) {
    auto after = allocations.upper_bound(pointer);
    if (after == allocations.begin()) {
        return false;
    }
    const auto& own = *std::prev(after);
    return pointer + bytes <= own.first + own.second.asked;
}

extern "C" {

Result cuInit(unsigned int) {
    return setting("FAKE_CUDA_DEVICES", 1) > 0 ? OK : NO_DEVICE;
}

Result cuDriverGetVersion(int* version) {
    *version = 12040;
    return OK;
}

Result cuDeviceGetCount(int* count) {
    *count = (int)setting("FAKE_CUDA_DEVICES", 1);
    return OK;
}

Result cuDeviceGet(int* device, int number) {
    *device = number;
    return number < setting("FAKE_CUDA_DEVICES", 1) ? OK : INVALID_DEVICE;
}

Result cuDeviceGetName(char* name, int length, int) {
    snprintf(name, (size_t)length, "fake GPU");
    return OK;
}

// Compute capability 9.0, and neither memory pools nor anything else.
Result cuDeviceGetAttribute(int* value, int attribute, int) {
    *value = attribute == 75 ? 9 : 0;
    return OK;
}

Result cuDevicePrimaryCtxRetain(void** context, int) {
    *context = &used;
    return OK;
}

Result cuDevicePrimaryCtxRelease_v2(int) {
    return OK;
}

Result cuCtxGetCurrent(void** context) {
    *context = &used;
    return OK;
}

Result cuCtxSetCurrent(void*) {
    return OK;
}

Result cuGetErrorName(Result, const char** text) {
    *text = "fake error";
    return OK;
}

Result cuGetErrorString(Result error, const char** text) {
    *text = error == OUT_OF_MEMORY ? "out of memory" : error == NO_DEVICE ? "no device" : "another error";
    return OK;
}

Result cuMemAlloc_v2(Pointer* pointer, size_t bytes) {
    std::lock_guard<std::mutex> held(guard);
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    if (used + bytes > (size_t)setting("FAKE_CUDA_MEMORY", 4L << 30)) {
        return OUT_OF_MEMORY;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t length = (bytes + page - 1) / page * page;
    char* pages = (char*)mmap(nullptr, length + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return OUT_OF_MEMORY;
    }
    mprotect(pages + length, page, PROT_NONE);
    memset(pages, 0xff, length);
    *pointer = (Pointer)(pages + length - bytes);
    allocations[*pointer] = {pages, length + page, bytes};
    used += bytes;
    return OK;
}

Result cuMemFree_v2(Pointer pointer) {
    std::lock_guard<std::mutex> held(guard);
    auto found = allocations.find(pointer);
    if (found == allocations.end()) {
        return INVALID_VALUE;
    }
    used -= found->second.asked;
    munmap(found->second.pages, found->second.length);
    allocations.erase(found);
    return OK;
}

static Result copy(void* to, const void* from, size_t bytes, Pointer one, Pointer two) {
    std::lock_guard<std::mutex> held(guard);
    if ((one && !within(one, bytes)) || (two && !within(two, bytes))) {
        return INVALID_VALUE;
    }
    // A GPU may copy in any order: what overlaps is a mistake.
    if (one && two && one < two + bytes && two < one + bytes) {
        return INVALID_VALUE;
    }
    memcpy(to, from, bytes);
    return OK;
}

Result cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, void*) {
    return copy((void*)to, from, bytes, to, 0);
}

Result cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, void*) {
    return copy(to, (const void*)from, bytes, from, 0);
}

Result cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, void*) {
    return copy((void*)to, (const void*)from, bytes, to, from);
}

Result cuStreamSynchronize(void*) {
    return OK;
}

Result cuModuleLoadData(void** module, const void* code) {
    *module = &used;
    return strncmp((const char*)code, "fake", 4) == 0 ? OK : INVALID_VALUE;
}

Result cuModuleUnload(void*) {
    return OK;
}

Result cuModuleGetFunction(void** function, void*, const char* name) {
    auto found = kernels().find(name);
    *function = found == kernels().end() ? nullptr : &found->second;
    return *function ? OK : NOT_FOUND;
}

Result cuLaunchKernel(
    void* function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z, unsigned int block_x,
    unsigned int block_y, unsigned int block_z, unsigned int shared, void*, void** arguments, void**
) {
    std::lock_guard<std::mutex> held(guard);
    if (grid_x == 0 || grid_y == 0 || grid_z == 0 || grid_y > 65535 || block_x > 1024 || shared > (48 << 10)) {
        return INVALID_VALUE;
    }
    Kernel* kernel = (Kernel*)function;
    cuda_host::run_grid(
        {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared, kernel->barriers,
        [kernel, arguments] { kernel->call(arguments); }
    );
    return OK;
}

// ---- NVRTC: the kernels are compiled already ----

Result nvrtcCreateProgram(void** program, const char*, const char*, int, const char* const*, const char* const*) {
    *program = &used;
    return OK;
}

Result nvrtcCompileProgram(void*, int, const char* const*) {
    return OK;
}

Result nvrtcGetCUBINSize(void*, size_t* size) {
    *size = 5;
    return OK;
}

Result nvrtcGetCUBIN(void*, char* code) {
    memcpy(code, "fake", 5);
    return OK;
}

Result nvrtcGetProgramLogSize(void*, size_t* size) {
    *size = 1;
    return OK;
}

Result nvrtcGetProgramLog(void*, char* log) {
    *log = 0;
    return OK;
}

Result nvrtcDestroyProgram(void**) {
    return OK;
}

// ---- cuBLAS: one product ----

Result cublasCreate_v2(void** handle) {
    *handle = &used;
    return OK;
}

Result cublasDestroy_v2(void*) {
    return OK;
}

Result cublasSetStream_v2(void*, void*) {
    return OK;
}

// C[m, n] = A[k, m]^T * B[k, n], columns first; bf16 in, f32 out.
Result cublasGemmEx(
    void*, int transposed, int plain, int m, int n, int k, const void* alpha, const void* a, int a_type, int a_step,
    const void* b, int b_type, int b_step, const void* beta, void* c, int c_type, int c_step, int compute, int
) {
    std::lock_guard<std::mutex> held(guard);
    const int BF16 = 14, F32 = 0, COMPUTE_F32 = 68;
    if (transposed != 1 || plain != 0 || a_type != BF16 || b_type != BF16 || c_type != F32 || compute != COMPUTE_F32 ||
        a_step < k || b_step < k || c_step < m || *(const float*)alpha != 1.0f || *(const float*)beta != 0.0f ||
        !within((Pointer)a, 2 * (size_t)m * k) || !within((Pointer)b, 2 * (size_t)n * k) ||
        !within((Pointer)c, 4 * (size_t)m * n)) {
        return 7;
    }
    const Half* left = (const Half*)a;
    const Half* right = (const Half*)b;
    for (int column = 0; column < n; column++) {
        for (int row = 0; row < m; row++) {
            float sum = 0.0f;
            for (int at = 0; at < k; at++) {
                sum = fmaf(widen(left[(size_t)row * a_step + at]), widen(right[(size_t)column * b_step + at]), sum);
            }
            ((float*)c)[(size_t)column * c_step + row] = sum;
        }
    }
    return OK;
}

}  // extern "C"
