// What a C++ compiler needs to read kernels.cu: CUDA's words, and a block of threads run one after the other.
//
// A thread of a block is a fiber that runs until it comes to a barrier; when all have come, the next round begins, in
// another order each time, so that a missing barrier shows as a wrong number. A block whose threads part ways at a
// barrier ends the process with words. It leaves out warps, atomics and several blocks at once, which the kernels do
// without.

#pragma once

#include <ucontext.h>

#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __shared__ static
#define SHARED_ROOM(name) float* name = cuda_host::room

struct Place {
    unsigned int x, y, z;
};

static Place threadIdx, blockIdx, blockDim, gridDim;

namespace cuda_host {

const int MOST_THREADS = 1024;
const size_t STACK = 128 << 10;

// Dynamic shared memory of the block that runs.
static float room[(48 << 10) / sizeof(float)];

enum State { Ready, Waiting, Done };

struct Fiber {
    ucontext_t start;
    jmp_buf here;
    bool begun;
    State state;
};

static Fiber fibers[MOST_THREADS];
static jmp_buf scheduler;
static int current;
static bool has_barriers;
static std::function<void()> body;

[[noreturn]] static void give_up(const char* why) {
    fprintf(stderr, "fake CUDA: %s\n", why);
    abort();
}

static void live() {
    for (;;) {
        body();
        Fiber& own = fibers[current];
        own.state = Done;
        if (_setjmp(own.here) == 0) {
            _longjmp(scheduler, 1);
        }
    }
}

__attribute__((noinline)) static void let_run(int fiber) {
    current = fiber;
    threadIdx = {(unsigned int)fiber, 0, 0};
    if (_setjmp(scheduler) != 0) {
        return;
    }
    Fiber& next = fibers[fiber];
    if (next.begun) {
        _longjmp(next.here, 1);
    }
    next.begun = true;
    getcontext(&next.start);
    next.start.uc_stack.ss_sp = malloc(STACK);
    next.start.uc_stack.ss_size = STACK;
    next.start.uc_link = nullptr;
    makecontext(&next.start, live, 0);
    setcontext(&next.start);
}

static void run_block(int threads) {
    static unsigned int order = 1;
    for (int thread = 0; thread < threads; thread++) {
        fibers[thread].state = Ready;
    }
    for (;;) {
        // An odd step walks through a power of two of places in another order each round.
        order = order * 1664525u + 1013904223u;
        unsigned int step = (order >> 8) | 1u, first = order >> 20;
        int span = 1;
        while (span < threads) {
            span *= 2;
        }
        for (int place = 0; place < span; place++) {
            int fiber = (int)((first + (unsigned int)place * step) & (unsigned int)(span - 1));
            if (fiber < threads) {
                let_run(fiber);
            }
        }
        int done = 0;
        for (int thread = 0; thread < threads; thread++) {
            done += fibers[thread].state == Done;
        }
        if (done == threads) {
            return;
        }
        if (done > 0) {
            give_up("some threads of a block wait at a barrier that others never come to");
        }
    }
}

// Runs a kernel on a grid; one without barriers needs no fibers.
static void run_grid(Place grid, Place block, size_t shared, bool barriers, const std::function<void()>& kernel) {
    if (shared > sizeof(room) || block.x > MOST_THREADS || block.y != 1 || block.z != 1 || grid.z != 1) {
        give_up("a grid or a block that no kernel here is launched with");
    }
    gridDim = grid;
    blockDim = block;
    has_barriers = barriers;
    body = kernel;
    for (unsigned int down = 0; down < grid.y; down++) {
        for (unsigned int across = 0; across < grid.x; across++) {
            blockIdx = {across, down, 0};
            // What is not written first must not seem to be zero.
            memset(room, 0xff, shared);
            if (barriers) {
                run_block((int)block.x);
                continue;
            }
            for (unsigned int thread = 0; thread < block.x; thread++) {
                threadIdx = {thread, 0, 0};
                kernel();
            }
        }
    }
}

}  // namespace cuda_host

static void __syncthreads() {
    using namespace cuda_host;
    if (!has_barriers) {
        give_up("a kernel that is said to have no barrier has one");
    }
    fibers[current].state = Waiting;
    if (_setjmp(fibers[current].here) == 0) {
        _longjmp(scheduler, 1);
    }
}

template <typename To, typename From>
static To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To to;
    memcpy(&to, &from, sizeof(to));
    return to;
}

static float __uint_as_float(unsigned int bits) {
    return same_bits<float>(bits);
}

static float __int_as_float(unsigned int bits) {
    return same_bits<float>(bits);
}

static unsigned int __float_as_uint(float value) {
    return same_bits<unsigned int>(value);
}
