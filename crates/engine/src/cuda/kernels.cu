// The operations of a forward pass on a GPU, compiled by NVRTC when a model is opened.
//
// Rows are [N, W] in f32, row-major. Every sum runs in an order that depends on the row's own width alone, never on how
// many rows there are or on the size of a grid: a row's result does not depend on what is computed beside it. Products
// in bf16 are cuBLAS's and not here. The file is plain enough for a C++ compiler with `tests/cuda_host/shim.h` before
// it, which is how its numbers are tested where there is no GPU; nothing here uses warps, atomics or fast mathematics.

#ifndef SHARED_ROOM
#define SHARED_ROOM(name) extern __shared__ float name[]
#endif

typedef unsigned long long Long;
typedef unsigned short Half;

#define NEVER __int_as_float(0xff800000)

// Threads of a block that works through one row.
#define ROW_THREADS 256

static __device__ float widen(float value) {
    return value;
}

static __device__ float widen(Half bits) {
    return __uint_as_float((unsigned int)bits << 16);
}

static __device__ float higher(float one, float two) {
    return one > two || one != one ? one : two;
}

// Joins a number of each thread of a block of ROW_THREADS, in two steps of sixteen; every thread gets the result. `own`
// and `parts` are shared, of ROW_THREADS and 16.
template <typename Number>
static __device__ Number total(Number number, Number* own, Number* parts) {
    own[threadIdx.x] = number;
    __syncthreads();
    if (threadIdx.x < 16) {
        Number sum = own[threadIdx.x];
        for (int at = 1; at < ROW_THREADS / 16; at++) {
            sum += own[threadIdx.x + 16 * at];
        }
        parts[threadIdx.x] = sum;
    }
    __syncthreads();
    Number sum = parts[0];
    for (int at = 1; at < 16; at++) {
        sum += parts[at];
    }
    return sum;
}

static __device__ float highest_of(float number, float* own, float* parts) {
    own[threadIdx.x] = number;
    __syncthreads();
    if (threadIdx.x < 16) {
        float best = own[threadIdx.x];
        for (int at = 1; at < ROW_THREADS / 16; at++) {
            best = higher(own[threadIdx.x + 16 * at], best);
        }
        parts[threadIdx.x] = best;
    }
    __syncthreads();
    float best = parts[0];
    for (int at = 1; at < 16; at++) {
        best = higher(parts[at], best);
    }
    return best;
}

// The number of this thread among all of a one-dimensional grid.
static __device__ Long own_number() {
    return (Long)blockIdx.x * blockDim.x + threadIdx.x;
}

// ---- Rows one by one ----

template <typename Weight>
static __device__ void embed(
    float* out, const Weight* table, const unsigned int* tokens, int wide, float scale
) {
    const Weight* from = table + (Long)tokens[blockIdx.x] * wide;
    float* to = out + (Long)blockIdx.x * wide;
    for (int at = threadIdx.x; at < wide; at += blockDim.x) {
        to[at] = widen(from[at]) * scale;
    }
}

extern "C" __global__ void embed_f32(
    float* out, const float* table, const unsigned int* tokens, int wide, float scale
) {
    embed(out, table, tokens, wide, scale);
}

extern "C" __global__ void embed_bf16(
    float* out, const Half* table, const unsigned int* tokens, int wide, float scale
) {
    embed(out, table, tokens, wide, scale);
}

// out = x/rms(x) * w, a block a row.
extern "C" __global__ void norm_rows(
    float* out, const float* rows, const float* weight, int wide, float epsilon
) {
    __shared__ float own[ROW_THREADS];
    __shared__ float parts[16];
    const float* row = rows + (Long)blockIdx.x * wide;
    float* to = out + (Long)blockIdx.x * wide;
    int thread = threadIdx.x;
    float sum = 0.0f;
    for (int at = thread; at < wide; at += ROW_THREADS) {
        sum = fmaf(row[at], row[at], sum);
    }
    float scale = 1.0f / sqrtf(total(sum, own, parts) / (float)wide + epsilon);
    for (int at = thread; at < wide; at += ROW_THREADS) {
        to[at] = row[at] * scale * weight[at];
    }
}

// Rows of `which`, or, the other way about, rows to `which`.
extern "C" __global__ void gather(float* out, const float* rows, const unsigned int* which, int wide) {
    const float* from = rows + (Long)which[blockIdx.x] * wide;
    float* to = out + (Long)blockIdx.x * wide;
    for (int at = threadIdx.x; at < wide; at += blockDim.x) {
        to[at] = from[at];
    }
}

extern "C" __global__ void scatter(float* out, const float* rows, const unsigned int* which, int wide) {
    const float* from = rows + (Long)blockIdx.x * wide;
    float* to = out + (Long)which[blockIdx.x] * wide;
    for (int at = threadIdx.x; at < wide; at += blockDim.x) {
        to[at] = from[at];
    }
}

// ---- Numbers one by one ----

extern "C" __global__ void add_rows(float* one, const float* two, Long count) {
    Long at = own_number();
    if (at < count) {
        one[at] += two[at];
    }
}

// Adds a bias of `wide` numbers to every row.
extern "C" __global__ void add_bias(float* rows, const float* bias, int wide, Long count) {
    Long at = own_number();
    if (at < count) {
        rows[at] += bias[at % wide];
    }
}

extern "C" __global__ void gate_silu(float* act, const float* gate, Long count) {
    Long at = own_number();
    if (at < count) {
        float value = gate[at];
        act[at] *= value / (1.0f + expf(-value));
    }
}

// The tanh form of GELU, x * sigmoid(2 * sqrt(2/pi) * (x + 0.044715 x^3)).
extern "C" __global__ void gate_gelu(float* act, const float* gate, Long count) {
    Long at = own_number();
    if (at < count) {
        float value = gate[at];
        float inner = 1.595769f * (value + 0.044715f * value * value * value);
        act[at] *= value / (1.0f + expf(-inner));
    }
}

static __device__ float capped(float value, float cap) {
    return cap * tanhf(value / cap);
}

extern "C" __global__ void soft_cap(float* values, float cap, Long count) {
    Long at = own_number();
    if (at < count) {
        values[at] = capped(values[at], cap);
    }
}

// To bf16: to nearest, ties to even; NaN stays NaN.
extern "C" __global__ void round_bf16(Half* out, const float* values, Long count) {
    Long at = own_number();
    if (at < count) {
        unsigned int bits = __float_as_uint(values[at]);
        bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
        unsigned int rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
        out[at] = (Half)(nan ? ((bits >> 16) | 0x40u) : rounded);
    }
}

// Turns the pairs (i, i + half) of every head; a thread a pair. `heads` are a row's.
extern "C" __global__ void rotate(
    float* rows, const float* cosines, const float* sines, int heads, int size, int half, Long count
) {
    Long at = own_number();
    if (at < count) {
        int pair = (int)(at % half);
        Long head = at / half;
        Long row = head / heads;
        float* low = rows + head * size + pair;
        float cosine = cosines[row * half + pair];
        float sine = sines[row * half + pair];
        float one = low[0];
        float two = low[half];
        low[0] = one * cosine - two * sine;
        low[half] = two * cosine + one * sine;
    }
}

// ---- Products ----

// Columns that are brought into shared memory at once, and outputs of a block.
#define DEPTH 16
#define OUTPUTS 64

// out = input * weights^T, or out += it: [count, columns] and [outputs, columns] to [count, outputs]. A block of 256
// threads makes 16 * PER rows of 64 outputs. Each sum takes its columns in ascending order, whatever PER.
template <typename Weight, int PER>
static __device__ void product(
    float* out, const float* input, const Weight* weights, int count, int columns, int outputs, int keep
) {
    __shared__ float left[DEPTH][16 * PER + 1];
    __shared__ float right[DEPTH][OUTPUTS + 1];
    int thread = threadIdx.x;
    int across = thread % 16;
    int down = thread / 16;
    int first_output = blockIdx.x * OUTPUTS;
    int first_row = blockIdx.y * 16 * PER;
    float sums[PER][4];
    for (int row = 0; row < PER; row++) {
        for (int output = 0; output < 4; output++) {
            sums[row][output] = 0.0f;
        }
    }
    for (int base = 0; base < columns; base += DEPTH) {
        for (int step = 0; step < PER; step++) {
            int row = first_row + down + 16 * step;
            int column = base + across;
            bool inside = row < count && column < columns;
            left[across][down + 16 * step] = inside ? input[(Long)row * columns + column] : 0.0f;
        }
        for (int step = 0; step < 4; step++) {
            int output = first_output + down + 16 * step;
            int column = base + across;
            bool inside = output < outputs && column < columns;
            right[across][down + 16 * step] = inside ? widen(weights[(Long)output * columns + column]) : 0.0f;
        }
        __syncthreads();
        for (int column = 0; column < DEPTH; column++) {
            for (int row = 0; row < PER; row++) {
                float value = left[column][down + 16 * row];
                for (int output = 0; output < 4; output++) {
                    sums[row][output] = fmaf(value, right[column][across + 16 * output], sums[row][output]);
                }
            }
        }
        __syncthreads();
    }
    for (int step = 0; step < PER; step++) {
        int row = first_row + down + 16 * step;
        for (int place = 0; place < 4; place++) {
            int output = first_output + across + 16 * place;
            if (row < count && output < outputs) {
                float* to = out + (Long)row * outputs + output;
                *to = keep ? *to + sums[step][place] : sums[step][place];
            }
        }
    }
}

#define PRODUCT(name, Weight, PER)                                                                        \
    extern "C" __global__ void name(                                                                      \
        float* out, const float* input, const Weight* weights, int count, int columns, int outputs, int keep \
    ) {                                                                                                   \
        product<Weight, PER>(out, input, weights, count, columns, outputs, keep);                         \
    }

PRODUCT(product_f32_few, float, 1)
PRODUCT(product_f32_many, float, 4)
PRODUCT(product_bf16_few, Half, 1)
PRODUCT(product_bf16_many, Half, 4)

// ---- Attention ----

// Lanes of a block (a lane is a position and one of the query heads that share a key head), and keys of a tile.
#define LANES 16
#define KEYS 16
#define ATTEND_THREADS 128

// Attention with an online softmax over tiles of keys (Milakov & Gimelshein, 2018; Dao et al., 2022). Tiles begin at
// multiples of KEYS of the sequence, whatever its stretches in the store, and a hidden key adds an exact zero, so a
// token's result does not depend on how its sequence was cut, cached or batched.
//
// tasks: [tasks][2] of sequence and first lane. sequences: [S][5] of first row, rows, first stretch, stretches, length.
// stretches: [C][2] of first row in the store and place in the sequence. Grid: tasks, key heads. `most` bounds `size`.
// Dynamic shared memory: LANES * size + KEYS * (size + 1) floats. A cap or window of 0 is none.
template <int most>
static __device__ void attend(
    float* out, const float* query, const float* keys, const float* values, const int* tasks, const int* sequences,
    const int* stretches, int heads, int shared_heads, int size, float scale, float cap, int window
) {
    SHARED_ROOM(room);
    __shared__ float scores[LANES * KEYS];
    __shared__ float highest[LANES];
    __shared__ float total[LANES];
    __shared__ float shrink[LANES];
    __shared__ int places[KEYS];
    float* queries = room;
    float* tile = room + LANES * size;

    int thread = threadIdx.x;
    int shared_head = blockIdx.y;
    int group = heads / shared_heads;
    const int* sequence = sequences + 5 * tasks[2 * blockIdx.x];
    int first_lane = tasks[2 * blockIdx.x + 1];
    int first_row = sequence[0];
    int lanes = sequence[1] * group - first_lane;
    lanes = lanes < LANES ? lanes : LANES;
    const int* own = stretches + 2 * sequence[2];
    int own_count = sequence[3];
    int length = sequence[4];
    int before = length - sequence[1];

    for (int at = thread; at < LANES * size; at += ATTEND_THREADS) {
        int lane = at / size;
        float value = 0.0f;
        if (lane < lanes) {
            Long row = first_row + (first_lane + lane) / group;
            int head = shared_head * group + (first_lane + lane) % group;
            value = query[(row * heads + head) * size + at % size] * scale;
        }
        queries[at] = value;
    }
    if (thread < LANES) {
        highest[thread] = NEVER;
        total[thread] = 0.0f;
    }
    // This thread's part of the weighted sums: numbers part, part + 8, ... of one lane.
    int my_lane = thread / 8;
    int part = thread % 8;
    float sums[most / 8];
    for (int at = 0; at < most / 8; at++) {
        sums[at] = 0.0f;
    }
    // Keys that any lane sees: from the first lane's start to the last lane's end.
    int start = before + first_lane / group + 1 - window;
    start = window > 0 && start > 0 ? start / KEYS * KEYS : 0;
    int end = before + (first_lane + lanes - 1) / group + 1;

    for (int base = start; base < end; base += KEYS) {
        if (thread < KEYS) {
            int key = base + thread;
            int stretch = own_count - 1;
            while (stretch > 0 && own[2 * stretch + 1] > key) {
                stretch--;
            }
            places[thread] = key < length ? own[2 * stretch] + key - own[2 * stretch + 1] : -1;
        }
        __syncthreads();
        for (int at = thread; at < KEYS * size; at += ATTEND_THREADS) {
            int place = places[at / size];
            Long from = ((Long)place * shared_heads + shared_head) * size + at % size;
            tile[at / size * (size + 1) + at % size] = place < 0 ? 0.0f : keys[from];
        }
        __syncthreads();
        for (int at = thread; at < LANES * KEYS; at += ATTEND_THREADS) {
            int lane = at / KEYS;
            int key = at % KEYS;
            float score = 0.0f;
#pragma unroll 4
            for (int number = 0; number < size; number++) {
                score = fmaf(queries[lane * size + number], tile[key * (size + 1) + number], score);
            }
            int seen = before + (first_lane + lane) / group + 1;
            int from = window > 0 ? seen - window : 0;
            bool visible = lane < lanes && base + key < seen && base + key >= from;
            scores[at] = visible ? (cap > 0.0f ? capped(score, cap) : score) : NEVER;
        }
        __syncthreads();
        for (int at = thread; at < KEYS * size; at += ATTEND_THREADS) {
            int place = places[at / size];
            Long from = ((Long)place * shared_heads + shared_head) * size + at % size;
            tile[at / size * (size + 1) + at % size] = place < 0 ? 0.0f : values[from];
        }
        if (thread < LANES) {
            float old = highest[thread];
            float now = old;
            for (int key = 0; key < KEYS; key++) {
                float score = scores[thread * KEYS + key];
                now = score > now || score != score ? score : now;
            }
            float less = old == NEVER ? 0.0f : expf(old - now);
            float sum = total[thread] * less;
            for (int key = 0; key < KEYS; key++) {
                float score = scores[thread * KEYS + key];
                float weight = score == NEVER ? 0.0f : expf(score - now);
                scores[thread * KEYS + key] = weight;
                sum += weight;
            }
            highest[thread] = now;
            total[thread] = sum;
            shrink[thread] = less;
        }
        __syncthreads();
        float less = shrink[my_lane];
        for (int at = 0; at < most / 8; at++) {
            int number = part + 8 * at;
            if (number < size) {
                float sum = sums[at] * less;
#pragma unroll 4
                for (int key = 0; key < KEYS; key++) {
                    sum = fmaf(scores[my_lane * KEYS + key], tile[key * (size + 1) + number], sum);
                }
                sums[at] = sum;
            }
        }
        __syncthreads();
    }
    if (my_lane < lanes) {
        Long row = first_row + (first_lane + my_lane) / group;
        int head = shared_head * group + (first_lane + my_lane) % group;
        float scale_back = 1.0f / total[my_lane];
        for (int at = 0; at < most / 8; at++) {
            int number = part + 8 * at;
            if (number < size) {
                out[(row * heads + head) * size + number] = sums[at] * scale_back;
            }
        }
    }
}

#define ATTEND(name, most)                                                                                     \
    extern "C" __global__ void name(                                                                           \
        float* out, const float* query, const float* keys, const float* values, const int* tasks,              \
        const int* sequences, const int* stretches, int heads, int shared_heads, int size, float scale,        \
        float cap, int window                                                                                  \
    ) {                                                                                                        \
        attend<most>(                                                                                          \
            out, query, keys, values, tasks, sequences, stretches, heads, shared_heads, size, scale, cap, window \
        );                                                                                                     \
    }

ATTEND(attend_64, 64)
ATTEND(attend_128, 128)
ATTEND(attend_256, 256)

// ---- Log-probabilities ----

// Adds a stretch of logits [count, wide] to each row's log-sum-exp: a running maximum and the sum of exponentials
// below it. A block a row.
extern "C" __global__ void log_sum(const float* logits, float* highest, double* sums, int wide) {
    __shared__ float own[ROW_THREADS];
    __shared__ float parts[16];
    __shared__ double own_sums[ROW_THREADS];
    __shared__ double sum_parts[16];
    const float* row = logits + (Long)blockIdx.x * wide;
    int thread = threadIdx.x;
    float best = NEVER;
    for (int at = thread; at < wide; at += ROW_THREADS) {
        best = higher(row[at], best);
    }
    float old = highest[blockIdx.x];
    float now = higher(highest_of(best, own, parts), old);
    float sum = 0.0f;
    for (int at = thread; at < wide; at += ROW_THREADS) {
        sum += expf(row[at] - now);
    }
    double all = total((double)sum, own_sums, sum_parts);
    if (thread == 0) {
        double before = sums[blockIdx.x] == 0.0 ? 0.0 : sums[blockIdx.x] * exp((double)old - (double)now);
        sums[blockIdx.x] = before + all;
        highest[blockIdx.x] = now;
    }
}

// Takes the logits of wanted tokens that are in this stretch of the vocabulary; a thread a token.
extern "C" __global__ void pick(
    float* found, const float* logits, const unsigned int* rows, const unsigned int* tokens, unsigned int first,
    int wide, Long count
) {
    Long at = own_number();
    if (at < count) {
        unsigned int token = tokens[at];
        if (token >= first && token - first < (unsigned int)wide) {
            found[at] = logits[(Long)rows[at] * wide + (token - first)];
        }
    }
}
