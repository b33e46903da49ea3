// The nonce scan on a GPU. One source for two compilers: OpenCL C at run time, and clang's CUDA
// for PTX at development time. What differs between them stands in the first part.
//
// A candidate is outer * inner + value: its last digits, those that vary fastest, are the value,
// the others the outer number. A lane of a vector has an outer number, and goes through values, so that
// all lanes do the same at the same time and read the same value or the same row of a table.
//
// Compile-time constants:
//   ENTER, SCAN_WORD or SCAN_TABLE   which kernel this is
//   LANES                            outer numbers that one work item takes at once: 1, 2, 4, 8 or 16
//   WORD                             SCAN_WORD: the word of the block that varies with the value.
//                                    SCAN_TABLE: the rounds of the last block that no variant changes
//
// Names and step numbers are those of FIPS 180-4.

#ifdef __CUDA__

typedef unsigned int uint;
typedef unsigned long long ulong;
#define KERNEL extern "C" __attribute__((global)) void
#define GLOBAL
#define ITEM (__nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() + __nvvm_read_ptx_sreg_tid_x())
#define LOWER_TO(address, value) __nvvm_atom_min_gen_ui(address, value)
#define ROTR(x, n) __builtin_rotateright32(x, n)
// Any function of three operands is one instruction; left to itself the compiler shares terms
// between rounds, and then needs two.
#define OF_THREE(x, y, z, table)                                            \
	({ uint r; asm("lop3.b32 %0, %1, %2, %3, " #table ";" : "=r"(r) : "r"(x), "r"(y), "r"(z)); r; })
#define CH(x, y, z) OF_THREE(x, y, z, 0xca)
#define MAJ(x, y, z) OF_THREE(x, y, z, 0xe8)
#define XOR(x, y, z) OF_THREE(x, y, z, 0x96)
// Rotations, logic and IADD3 share one pipe, and it is the one that bounds the scan; IMAD has another one. So sums
// are multiplications by a one that the compiler doesn't know: how many rows the grid has.
#define ADD(x, y)                                                           \
	({ uint r; asm("mad.lo.u32 %0, %1, %2, %3;" : "=r"(r) : "r"(x), "r"(__nvvm_read_ptx_sreg_nctaid_y()), "r"(y)); r; })
#define LOAD_FOUR(t0, t1, t2, t3, address)                                  \
	asm("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(t0), "=r"(t1), "=r"(t2), "=r"(t3) : "l"(address));

#else

#define KERNEL __kernel void
#define GLOBAL __global
#define ITEM ((uint)get_global_id(0))
#define LOWER_TO(address, value) atomic_min(address, value)
#define ROTR(x, n) rotate(x, (lanes)(32 - (n)))
#define CH(x, y, z) (z ^ (x & (y ^ z)))
#define MAJ(x, y, z) (y ^ ((x ^ y) & (y ^ z))) // x ^ y is the next round's y ^ z
#define XOR(x, y, z) ((x) ^ (y) ^ (z))
#define ADD(x, y) ((x) + (y))
#define LOAD_FOUR(t0, t1, t2, t3, address)                                  \
	{                                                                       \
		const uint4 four = *(GLOBAL const uint4 *)(address);                \
		t0 = four.x, t1 = four.y, t2 = four.z, t3 = four.w;                 \
	}

#endif

#define JOIN_AGAIN(a, b) a##b
#define JOIN(a, b) JOIN_AGAIN(a, b)

#if LANES == 1
typedef uint lanes;
#define LOAD(address) (*(address))
#define STORE(value, address) (*(address) = (value))
#else
typedef JOIN(uint, LANES) lanes;
#define LOAD(address) JOIN(vload, LANES)(0, address)
#define STORE(value, address) JOIN(vstore, LANES)(value, 0, address)
#endif

#define SUM0(x) XOR(ROTR(x, 2), ROTR(x, 13), ROTR(x, 22))
#define SUM1(x) XOR(ROTR(x, 6), ROTR(x, 11), ROTR(x, 25))
#define SIGMA0(x) XOR(ROTR(x, 7), ROTR(x, 18), x >> 3)
#define SIGMA1(x) XOR(ROTR(x, 17), ROTR(x, 19), x >> 10)

// A round (6.2.2, step 3) whose K + W is kw. It renames nothing: the caller turns the names. What is there early is
// added first.
#define ROUND(a, b, c, d, e, f, g, h, kw)       \
	h = ADD(h, kw);                             \
	h = ADD(h, CH(e, f, g));                    \
	h = ADD(h, SUM1(e));                        \
	d = ADD(d, h);                              \
	h = ADD(h, MAJ(a, b, c));                   \
	h = ADD(h, SUM0(a));

// EIGHT rounds bring the names back to where they were.
#define EIGHT(R, t0, t1, t2, t3, t4, t5, t6, t7) \
	R(a, b, c, d, e, f, g, h, t0)               \
	R(h, a, b, c, d, e, f, g, t1)               \
	R(g, h, a, b, c, d, e, f, t2)               \
	R(f, g, h, a, b, c, d, e, t3)               \
	R(e, f, g, h, a, b, c, d, t4)               \
	R(d, e, f, g, h, a, b, c, t5)               \
	R(c, d, e, f, g, h, a, b, t6)               \
	R(b, c, d, e, f, g, h, a, t7)

#define ALL_ROUNDS(R)                           \
	EIGHT(R, 0, 1, 2, 3, 4, 5, 6, 7)            \
	EIGHT(R, 8, 9, 10, 11, 12, 13, 14, 15)      \
	EIGHT(R, 16, 17, 18, 19, 20, 21, 22, 23)    \
	EIGHT(R, 24, 25, 26, 27, 28, 29, 30, 31)    \
	EIGHT(R, 32, 33, 34, 35, 36, 37, 38, 39)    \
	EIGHT(R, 40, 41, 42, 43, 44, 45, 46, 47)    \
	EIGHT(R, 48, 49, 50, 51, 52, 53, 54, 55)    \
	EIGHT(R, 56, 57, 58, 59, 60, 61, 62, 63)

#define K0 0x428a2f98u
#define K1 0x71374491u
#define K2 0xb5c0fbcfu
#define K3 0xe9b5dba5u
#define K4 0x3956c25bu
#define K5 0x59f111f1u
#define K6 0x923f82a4u
#define K7 0xab1c5ed5u
#define K8 0xd807aa98u
#define K9 0x12835b01u
#define K10 0x243185beu
#define K11 0x550c7dc3u
#define K12 0x72be5d74u
#define K13 0x80deb1feu
#define K14 0x9bdc06a7u
#define K15 0xc19bf174u
#define K16 0xe49b69c1u
#define K17 0xefbe4786u
#define K18 0x0fc19dc6u
#define K19 0x240ca1ccu
#define K20 0x2de92c6fu
#define K21 0x4a7484aau
#define K22 0x5cb0a9dcu
#define K23 0x76f988dau
#define K24 0x983e5152u
#define K25 0xa831c66du
#define K26 0xb00327c8u
#define K27 0xbf597fc7u
#define K28 0xc6e00bf3u
#define K29 0xd5a79147u
#define K30 0x06ca6351u
#define K31 0x14292967u
#define K32 0x27b70a85u
#define K33 0x2e1b2138u
#define K34 0x4d2c6dfcu
#define K35 0x53380d13u
#define K36 0x650a7354u
#define K37 0x766a0abbu
#define K38 0x81c2c92eu
#define K39 0x92722c85u
#define K40 0xa2bfe8a1u
#define K41 0xa81a664bu
#define K42 0xc24b8b70u
#define K43 0xc76c51a3u
#define K44 0xd192e819u
#define K45 0xd6990624u
#define K46 0xf40e3585u
#define K47 0x106aa070u
#define K48 0x19a4c116u
#define K49 0x1e376c08u
#define K50 0x2748774cu
#define K51 0x34b0bcb5u
#define K52 0x391c0cb3u
#define K53 0x4ed8aa4au
#define K54 0x5b9cca4fu
#define K55 0x682e6ff3u
#define K56 0x748f82eeu
#define K57 0x78a5636fu
#define K58 0x84c87814u
#define K59 0x8cc70208u
#define K60 0x90befffau
#define K61 0xa4506cebu
#define K62 0xbef9a3f7u
#define K63 0xc67178f2u

// EXPANSION calls S(t, t-16, t-15, t-7, t-2) for each word of the message schedule behind the
// block's own (6.2.2, step 1).
#define EXPANSION(S)                                                        \
	S(16, 0, 1, 9, 14) S(17, 1, 2, 10, 15) S(18, 2, 3, 11, 16) S(19, 3, 4, 12, 17)      \
	S(20, 4, 5, 13, 18) S(21, 5, 6, 14, 19) S(22, 6, 7, 15, 20) S(23, 7, 8, 16, 21)     \
	S(24, 8, 9, 17, 22) S(25, 9, 10, 18, 23) S(26, 10, 11, 19, 24) S(27, 11, 12, 20, 25) \
	S(28, 12, 13, 21, 26) S(29, 13, 14, 22, 27) S(30, 14, 15, 23, 28) S(31, 15, 16, 24, 29) \
	S(32, 16, 17, 25, 30) S(33, 17, 18, 26, 31) S(34, 18, 19, 27, 32) S(35, 19, 20, 28, 33) \
	S(36, 20, 21, 29, 34) S(37, 21, 22, 30, 35) S(38, 22, 23, 31, 36) S(39, 23, 24, 32, 37) \
	S(40, 24, 25, 33, 38) S(41, 25, 26, 34, 39) S(42, 26, 27, 35, 40) S(43, 27, 28, 36, 41) \
	S(44, 28, 29, 37, 42) S(45, 29, 30, 38, 43) S(46, 30, 31, 39, 44) S(47, 31, 32, 40, 45) \
	S(48, 32, 33, 41, 46) S(49, 33, 34, 42, 47) S(50, 34, 35, 43, 48) S(51, 35, 36, 44, 49) \
	S(52, 36, 37, 45, 50) S(53, 37, 38, 46, 51) S(54, 38, 39, 47, 52) S(55, 39, 40, 48, 53) \
	S(56, 40, 41, 49, 54) S(57, 41, 42, 50, 55) S(58, 42, 43, 51, 56) S(59, 43, 44, 52, 57) \
	S(60, 44, 45, 53, 58) S(61, 45, 46, 54, 59) S(62, 46, 47, 55, 60) S(63, 47, 48, 56, 61)

#define EACH_OF_SIXTEEN(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)

#if ENTER

#define SCHEDULE(t, t16, t15, t7, t2) const lanes w##t = w##t16 + SIGMA0(w##t15) + w##t7 + SIGMA1(w##t2);
#define ENTER_ROUND(a, b, c, d, e, f, g, h, t) ROUND(a, b, c, d, e, f, g, h, K##t + w##t)

// MESSAGE_WORD is a word of a block: what is constant of it, and the digits that stand in it.
#define MESSAGE_WORD(t)                                                     \
	lanes w##t = block[2 * t];                                              \
	const uint at##t = block[2 * t + 1];                                    \
	if (at##t != 0) {                                                       \
		w##t += digits[at##t >> 24] << 24 | digits[at##t >> 16 & 255] << 16 |   \
		        digits[at##t >> 8 & 255] << 8 | digits[at##t & 255];            \
	}
#define STORE_WORD(t) STORE(w##t, states + (8 + t) * stride + item);

// CARRY is how many tens there are in numbers up to 24, the largest of a digit and a lane's number.
#if LANES == 1
#define CARRY(x) 0
#define LANE 0
#else
#define CARRY(x) ((x) * 103 >> 10)
#define LANE JOIN(vload, LANES)(0, laneNumbers)
__constant const uint laneNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#endif

// enter hashes, for each outer number, what stands before the last block, and stores the hash value and, if
// hasWords is set, the words of the last block, with zeros for the value's digits: word i of outer number o at
// states[i * stride + o].
//
// work has the hash value to begin with (8 words), and then for each word of the message what is constant
// of it, and four bytes that each name the digit in that byte: 0 none, 1 the outer number's first.
KERNEL enter(GLOBAL const uint *work, GLOBAL uint *states, uint stride, uint firstLow, uint firstHigh,
             uint outerDigits, uint blocksBefore, uint hasWords) {
	const uint item = ITEM * LANES;
	if (item >= stride) {
		return;
	}
	ulong outer = ((ulong)firstHigh << 32 | firstLow) + item;
	lanes digits[20], more = LANE;
	digits[0] = 0;
	for (uint i = outerDigits; i > 0; i--) {
		const ulong rest = outer / 10;
		const lanes digit = (uint)(outer - rest * 10) + more;
		more = CARRY(digit);
		digits[i] = digit - more * 10;
		outer = rest;
	}
	lanes hash[8];
	for (uint i = 0; i < 8; i++) {
		hash[i] = work[i];
	}
	GLOBAL const uint *block = work + 8;
	for (uint i = 0; i < blocksBefore; i++, block += 32) {
		EACH_OF_SIXTEEN(MESSAGE_WORD)
		EXPANSION(SCHEDULE)
		lanes a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
		ALL_ROUNDS(ENTER_ROUND)
		hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
	}
	for (uint i = 0; i < 8; i++) {
		STORE(hash[i], states + i * stride + item);
	}
	if (hasWords) {
		EACH_OF_SIXTEEN(MESSAGE_WORD)
		EACH_OF_SIXTEEN(STORE_WORD)
	}
}

#else

// REPORT keeps the index of the first hit: a hash whose first word is at most limit.
#if LANES == 1
#define REPORT(word, value)                                                 \
	if (word <= limit) {                                                    \
		report(outer * inner + value, begin, end, best);                    \
	}
#else
#define REPORT(word, value)                                                 \
	if (any(word <= limit)) {                                               \
		uint words[LANES];                                                  \
		JOIN(vstore, LANES)(word, 0, words);                                \
		for (uint lane = 0; lane < LANES; lane++) {                         \
			if (words[lane] <= limit) {                                     \
				report((outer + lane) * inner + value, begin, end, best);   \
			}                                                               \
		}                                                                   \
	}
#endif

#ifdef __CUDA__
__attribute__((device))
#endif
static void report(uint index, uint begin, uint end, GLOBAL uint *best) {
	if (index >= begin && index < end) {
		LOWER_TO(best, index);
	}
}

// Work items are numbered by their outer numbers first, so that neighbours read neighbouring states.
#define PLACE                                                               \
	const uint item = ITEM;                                                 \
	const uint groups = stride / LANES;                                     \
	const uint outer = item % groups * LANES;                               \
	const uint from = item / groups * chunk;                                \
	if (from >= inner) {                                                    \
		return;                                                             \
	}                                                                       \
	const uint to = min(from + chunk, inner);

#ifdef __CUDA__
#define min(x, y) ((x) < (y) ? (x) : (y))
#endif

#define LOAD_STATE                                                          \
	const lanes h0 = LOAD(states + outer), h1 = LOAD(states + stride + outer),                   \
	            h2 = LOAD(states + 2 * stride + outer), h3 = LOAD(states + 3 * stride + outer),  \
	            h4 = LOAD(states + 4 * stride + outer), h5 = LOAD(states + 5 * stride + outer),  \
	            h6 = LOAD(states + 6 * stride + outer), h7 = LOAD(states + 7 * stride + outer);  \
	lanes a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;

// What all values begin with, and the two sums of the first round that varies, without its K + W.
#define START                                                               \
	const lanes s0 = a, s1 = b, s2 = c, s3 = d, s4 = e, s5 = f, s6 = g, s7 = h;     \
	lanes first = 0, second = 0;                                            \
	EIGHT(FIRST_SUMS, 0, 1, 2, 3, 4, 5, 6, 7)                               \
	EIGHT(FIRST_SUMS, 8, 9, 10, 11, 12, 13, 14, 15)
#define FIRST_SUMS(a, b, c, d, e, f, g, h, t)                               \
	if (t == WORD) {                                                        \
		first = h + SUM1(e) + CH(e, f, g);                                  \
		second = SUM0(a) + MAJ(a, b, c);                                    \
	}
#define RESTART a = s0, b = s1, c = s2, d = s3, e = s4, f = s5, g = s6, h = s7;
#define FIRST_ROUND(d, h, kw)                                               \
	h = ADD(first, kw);                                                     \
	d = ADD(d, h);                                                          \
	h = ADD(h, second);

#if SCAN_WORD

// VARIES_t is whether W(t) depends on the value.
#define BLOCK_WORD_VARIES(t) VARIES_##t = WORD == t,
#define WORD_VARIES(t, t16, t15, t7, t2) VARIES_##t = VARIES_##t16 | VARIES_##t15 | VARIES_##t7 | VARIES_##t2,
enum { EACH_OF_SIXTEEN(BLOCK_WORD_VARIES) EXPANSION(WORD_VARIES) };

#define LOAD_WORD(t) const lanes fixed##t = LOAD(states + (8 + t) * stride + outer);

// fixed_t is the part of W(t) that doesn't depend on the value, and all of it if VARIES_t is zero.
#define CONSTANT(t, t16, t15, t7, t2)                                       \
	const lanes fixed##t = (VARIES_##t16 ? 0 : fixed##t16) + (VARIES_##t15 ? 0 : SIGMA0(fixed##t15)) +       \
	                   (VARIES_##t7 ? 0 : fixed##t7) + (VARIES_##t2 ? 0 : SIGMA1(fixed##t2));

#define BLOCK_WORD(t) const lanes w##t = WORD == t ? fixed##t + values[value] : fixed##t;
#define ADD_IF(varies, x, y) (varies ? ADD(x, y) : x)
#define VARYING(t, t16, t15, t7, t2)                                        \
	lanes w##t = fixed##t;                                                  \
	w##t = ADD_IF(VARIES_##t16, w##t, w##t16);                              \
	w##t = ADD_IF(VARIES_##t7, w##t, w##t7);                                \
	w##t = ADD_IF(VARIES_##t15, w##t, SIGMA0(w##t15));                      \
	w##t = ADD_IF(VARIES_##t2, w##t, SIGMA1(w##t2));

#define EARLY_ROUND(a, b, c, d, e, f, g, h, t)                              \
	if (t < WORD) {                                                         \
		ROUND(a, b, c, d, e, f, g, h, K##t + fixed##t)                          \
	}
// The sum of K and a constant word is computed once, too.
#define LATE_ROUND(a, b, c, d, e, f, g, h, t)                               \
	if (t == WORD) {                                                        \
		FIRST_ROUND(d, h, ADD(w##t, K##t))                                  \
	}                                                                       \
	if (t > WORD) {                                                         \
		ROUND(a, b, c, d, e, f, g, h, VARIES_##t ? ADD(w##t, K##t) : fixed##t + K##t) \
	}

// scan_word scans candidates that differ in one word of the last block. values has what each value adds
// to the word.
KERNEL scan_word(GLOBAL const uint *states, GLOBAL const uint *values, GLOBAL uint *best,
                 uint stride, uint inner, uint chunk, uint limit, uint begin, uint end) {
	PLACE
	LOAD_STATE
	EACH_OF_SIXTEEN(LOAD_WORD)
	EIGHT(EARLY_ROUND, 0, 1, 2, 3, 4, 5, 6, 7)
	EIGHT(EARLY_ROUND, 8, 9, 10, 11, 12, 13, 14, 15)
	EXPANSION(CONSTANT)
	START
	for (uint value = from; value < to; value++) {
		RESTART
		EACH_OF_SIXTEEN(BLOCK_WORD)
		EXPANSION(VARYING)
		ALL_ROUNDS(LATE_ROUND)
		const lanes word = a + h0;
		REPORT(word, value)
	}
}

#else // SCAN_TABLE

#if LANES == 1
// A GPU loads four words at once.
#define READ_FOUR(i, t0, t1, t2, t3)                                        \
	uint kw##t0, kw##t1, kw##t2, kw##t3;                                    \
	LOAD_FOUR(kw##t0, kw##t1, kw##t2, kw##t3, row + 4 * i)
#define READ_ROW                                                            \
	READ_FOUR(0, 0, 1, 2, 3) READ_FOUR(1, 4, 5, 6, 7)                       \
	READ_FOUR(2, 8, 9, 10, 11) READ_FOUR(3, 12, 13, 14, 15)                 \
	READ_FOUR(4, 16, 17, 18, 19) READ_FOUR(5, 20, 21, 22, 23)               \
	READ_FOUR(6, 24, 25, 26, 27) READ_FOUR(7, 28, 29, 30, 31)               \
	READ_FOUR(8, 32, 33, 34, 35) READ_FOUR(9, 36, 37, 38, 39)               \
	READ_FOUR(10, 40, 41, 42, 43) READ_FOUR(11, 44, 45, 46, 47)             \
	READ_FOUR(12, 48, 49, 50, 51) READ_FOUR(13, 52, 53, 54, 55)             \
	READ_FOUR(14, 56, 57, 58, 59) READ_FOUR(15, 60, 61, 62, 63)
#define ROW_WORD(t) kw##t
#else
// A CPU adds a word from memory to all lanes.
#define READ_ROW
#define ROW_WORD(t) row[t]
#endif

#define EARLY_ROUND(a, b, c, d, e, f, g, h, t)                              \
	if (t < WORD) {                                                         \
		ROUND(a, b, c, d, e, f, g, h, table[t])                             \
	}
#define LATE_ROUND(a, b, c, d, e, f, g, h, t)                               \
	if (t == WORD) {                                                        \
		FIRST_ROUND(d, h, ROW_WORD(t))                                      \
	}                                                                       \
	if (t > WORD) {                                                         \
		ROUND(a, b, c, d, e, f, g, h, ROW_WORD(t))                          \
	}

// scan_table scans candidates whose last block has few variants: row v of the table has K + W of each
// round of variant v (64 words).
KERNEL scan_table(GLOBAL const uint *states, GLOBAL const uint *table, GLOBAL uint *best,
                  uint stride, uint inner, uint chunk, uint limit, uint begin, uint end) {
	PLACE
	LOAD_STATE
	EIGHT(EARLY_ROUND, 0, 1, 2, 3, 4, 5, 6, 7)
	EIGHT(EARLY_ROUND, 8, 9, 10, 11, 12, 13, 14, 15)
	START
	for (uint value = from; value < to; value++) {
		GLOBAL const uint *row = table + 64 * value;
		READ_ROW
		RESTART
		ALL_ROUNDS(LATE_ROUND)
		const lanes word = a + h0;
		REPORT(word, value)
	}
}

#endif
#endif
