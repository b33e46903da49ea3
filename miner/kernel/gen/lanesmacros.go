package main

// The macros of AVX-512. Registers 8 to 15 are theirs. The instruction for functions
// of three operands takes the place of one of them, which is the last.
const avx512Macros = `
// SIGMA0 and SIGMA1 are the functions of the message schedule (FIPS 180-4, 4.1.2).
#define SIGMA0(x, to) \
	VPRORD $7, x, to; \
	VPRORD $18, x, Z9; \
	VPSRLD $3, x, Z10; \
	VPTERNLOGD $0x96, Z10, Z9, to

#define SIGMA1(x, to) \
	VPRORD $17, x, to; \
	VPRORD $19, x, Z9; \
	VPSRLD $10, x, Z10; \
	VPTERNLOGD $0x96, Z10, Z9, to

// ROUND is a round (FIPS 180-4, 6.2.2, step 3), of which h has K+W already: d
// becomes the next round's e, and h its a. The rotations come first: the fewest units
// can do them.
#define ROUND(a, b, c, d, e, f, g, h) \
	VPRORD $6, e, Z8; \
	VPRORD $11, e, Z9; \
	VPRORD $25, e, Z10; \
	VPRORD $2, a, Z11; \
	VPRORD $13, a, Z12; \
	VPRORD $22, a, Z13; \
	VMOVDQA64 e, Z14; \
	VPTERNLOGD $0xca, g, f, Z14; \
	VMOVDQA64 a, Z15; \
	VPTERNLOGD $0xe8, c, b, Z15; \
	VPADDD Z14, h, h; \
	VPTERNLOGD $0x96, Z10, Z9, Z8; \
	VPADDD Z8, h, h; \
	VPTERNLOGD $0x96, Z13, Z12, Z11; \
	VPADDD h, d, d; \
	VPADDD Z15, Z11, Z11; \
	VPADDD Z11, h, h

// COMPARE makes AX nonzero if a lane is not above the limit.
#define COMPARE(x, limit) \
	VPCMPUD $2, limit, x, K1; \
	KMOVW K1, AX
`

// The macros of AVX2. A rotation is two shifts; their results are put together by
// twos, because a chain would take longer than the units need for a round.
// Registers 10 to 15 are the macros'.
const avx2Macros = `
// SIGMA is a function of a round, three rotations (FIPS 180-4, 4.1.2), in Y10.
#define SIGMA(x, r1, l1, r2, l2, r3, l3) \
	VPSRLD $r1, x, Y10; \
	VPSLLD $l1, x, Y11; \
	VPSRLD $r2, x, Y12; \
	VPSLLD $l2, x, Y13; \
	VPSRLD $r3, x, Y14; \
	VPSLLD $l3, x, Y15; \
	VPXOR Y11, Y10, Y10; \
	VPXOR Y13, Y12, Y12; \
	VPXOR Y15, Y14, Y14; \
	VPXOR Y12, Y10, Y10; \
	VPXOR Y14, Y10, Y10

// SIGMAS is a function of the message schedule, two rotations and a shift.
#define SIGMAS(x, to, r1, l1, r2, l2, r3) \
	VMOVDQU x, Y15; \
	VPSRLD $r1, Y15, to; \
	VPSLLD $l1, Y15, Y12; \
	VPSRLD $r2, Y15, Y13; \
	VPSLLD $l2, Y15, Y14; \
	VPXOR Y12, to, to; \
	VPSRLD $r3, Y15, Y15; \
	VPXOR Y14, Y13, Y13; \
	VPXOR Y15, to, to; \
	VPXOR Y13, to, to

#define SIGMA0(x, to) SIGMAS(x, to, 7, 25, 18, 14, 3)
#define SIGMA1(x, to) SIGMAS(x, to, 17, 15, 19, 13, 10)

// ROUND is a round (FIPS 180-4, 6.2.2, step 3), of which h has K+W already: d
// becomes the next round's e, and h its a. The majority of a, b and c is
// (a^b)&(b^c)^b: ab becomes a^b, and bc is that of the round before.
#define ROUND(a, b, c, d, e, f, g, h, ab, bc) \
	SIGMA(e, 6, 26, 11, 21, 25, 7); \
	VPXOR f, g, Y11; \
	VPAND e, Y11, Y11; \
	VPXOR g, Y11, Y11; \
	VPADDD Y11, h, h; \
	VPADDD Y10, h, h; \
	VPADDD h, d, d; \
	SIGMA(a, 2, 30, 13, 19, 22, 10); \
	VPXOR a, b, ab; \
	VPAND ab, bc, bc; \
	VPXOR b, bc, bc; \
	VPADDD bc, h, h; \
	VPADDD Y10, h, h

// COMPARE makes AX nonzero if a lane is not above the limit.
#define COMPARE(x, limit) \
	VPMINUD limit, x, limit; \
	VPCMPEQD limit, x, x; \
	VPMOVMSKB x, AX
`
