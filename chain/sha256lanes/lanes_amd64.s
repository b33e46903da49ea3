//go:build !purego

#include "textflag.h"

// The bytes of a word in the other order.
DATA swap<>+0(SB)/8, $0x0405060700010203
DATA swap<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL swap<>(SB), RODATA|NOPTR, $16

// K, the constants of the rounds (FIPS 180-4, section 4.2.2).
DATA k<>+0(SB)/8, $0x71374491428a2f98
DATA k<>+8(SB)/8, $0xe9b5dba5b5c0fbcf
DATA k<>+16(SB)/8, $0x59f111f13956c25b
DATA k<>+24(SB)/8, $0xab1c5ed5923f82a4
DATA k<>+32(SB)/8, $0x12835b01d807aa98
DATA k<>+40(SB)/8, $0x550c7dc3243185be
DATA k<>+48(SB)/8, $0x80deb1fe72be5d74
DATA k<>+56(SB)/8, $0xc19bf1749bdc06a7
DATA k<>+64(SB)/8, $0xefbe4786e49b69c1
DATA k<>+72(SB)/8, $0x240ca1cc0fc19dc6
DATA k<>+80(SB)/8, $0x4a7484aa2de92c6f
DATA k<>+88(SB)/8, $0x76f988da5cb0a9dc
DATA k<>+96(SB)/8, $0xa831c66d983e5152
DATA k<>+104(SB)/8, $0xbf597fc7b00327c8
DATA k<>+112(SB)/8, $0xd5a79147c6e00bf3
DATA k<>+120(SB)/8, $0x1429296706ca6351
DATA k<>+128(SB)/8, $0x2e1b213827b70a85
DATA k<>+136(SB)/8, $0x53380d134d2c6dfc
DATA k<>+144(SB)/8, $0x766a0abb650a7354
DATA k<>+152(SB)/8, $0x92722c8581c2c92e
DATA k<>+160(SB)/8, $0xa81a664ba2bfe8a1
DATA k<>+168(SB)/8, $0xc76c51a3c24b8b70
DATA k<>+176(SB)/8, $0xd6990624d192e819
DATA k<>+184(SB)/8, $0x106aa070f40e3585
DATA k<>+192(SB)/8, $0x1e376c0819a4c116
DATA k<>+200(SB)/8, $0x34b0bcb52748774c
DATA k<>+208(SB)/8, $0x4ed8aa4a391c0cb3
DATA k<>+216(SB)/8, $0x682e6ff35b9cca4f
DATA k<>+224(SB)/8, $0x78a5636f748f82ee
DATA k<>+232(SB)/8, $0x8cc7020884c87814
DATA k<>+240(SB)/8, $0xa4506ceb90befffa
DATA k<>+248(SB)/8, $0xc67178f2bef9a3f7
GLOBL k<>(SB), RODATA|NOPTR, $256

// ROUNDS does four rounds with the words of a quarter of the schedule (FIPS 180-4, section
// 6.2.2, step 3). SHA256RNDS2 does two of them, with the lower half of X0, and leaves the
// new A, B, E and F where the old C, D, G and H were.
#define ROUNDS(quarter, words, abef, cdgh) \
	VPADDD      (16*quarter)(CX), words, X0; \
	SHA256RNDS2 X0, abef, cdgh;              \
	VPSHUFD     $0x0e, X0, X0;               \
	SHA256RNDS2 X0, cdgh, abef

// SCHEDULE replaces the four oldest of the last 16 words, w0, by the next four (step 1).
#define SCHEDULE(w0, w1, w2, w3) \
	SHA256MSG1 w1, w0;          \
	VPALIGNR   $4, w2, w3, X14; \
	VPADDD     X14, w0, w0;     \
	SHA256MSG2 w3, w0

// LOAD reads a quarter of a block's words.
#define LOAD(quarter, from, words) \
	VMOVDQU (16*quarter)(from), words; \
	VPSHUFB X15, words, words

// AHEAD does four rounds, and then makes the words that are needed four quarters later: so
// early that the other message's rounds don't wait for them.
#define AHEAD(quarter, w0, w1, w2, w3, abef, cdgh) \
	ROUNDS(quarter, w0, abef, cdgh); \
	SCHEDULE(w0, w1, w2, w3)

// ADD adds the hash value before the block (step 4), and keeps the new one.
#define ADD(offset, words) \
	VPADDD  offset(AX), words, words; \
	VMOVDQU words, offset(AX)

// func compressPair(values *[2][8]uint32, message0, message1 *byte, blocks int)
//
// The two messages share nothing, so that the CPU does the rounds of one while those of the
// other wait for their results. X1 to X4 are the hash values, X5 to X8 and X9 to X12 the last
// 16 words of the schedules.
TEXT ·compressPair(SB), NOSPLIT, $0-32
	MOVQ    values+0(FP), AX
	MOVQ    message0+8(FP), SI
	MOVQ    message1+16(FP), DI
	MOVQ    blocks+24(FP), R8
	LEAQ    k<>(SB), CX
	VZEROUPPER
	VMOVDQU swap<>(SB), X15
	VMOVDQU (AX), X1
	VMOVDQU 16(AX), X2
	VMOVDQU 32(AX), X3
	VMOVDQU 48(AX), X4
	PCALIGN $32

block:
	LOAD(0, SI, X5)
	LOAD(0, DI, X9)
	LOAD(1, SI, X6)
	LOAD(1, DI, X10)
	LOAD(2, SI, X7)
	LOAD(2, DI, X11)
	LOAD(3, SI, X8)
	LOAD(3, DI, X12)
	AHEAD(0, X5, X6, X7, X8, X1, X2)
	AHEAD(0, X9, X10, X11, X12, X3, X4)
	AHEAD(1, X6, X7, X8, X5, X1, X2)
	AHEAD(1, X10, X11, X12, X9, X3, X4)
	AHEAD(2, X7, X8, X5, X6, X1, X2)
	AHEAD(2, X11, X12, X9, X10, X3, X4)
	AHEAD(3, X8, X5, X6, X7, X1, X2)
	AHEAD(3, X12, X9, X10, X11, X3, X4)
	AHEAD(4, X5, X6, X7, X8, X1, X2)
	AHEAD(4, X9, X10, X11, X12, X3, X4)
	AHEAD(5, X6, X7, X8, X5, X1, X2)
	AHEAD(5, X10, X11, X12, X9, X3, X4)
	AHEAD(6, X7, X8, X5, X6, X1, X2)
	AHEAD(6, X11, X12, X9, X10, X3, X4)
	AHEAD(7, X8, X5, X6, X7, X1, X2)
	AHEAD(7, X12, X9, X10, X11, X3, X4)
	AHEAD(8, X5, X6, X7, X8, X1, X2)
	AHEAD(8, X9, X10, X11, X12, X3, X4)
	AHEAD(9, X6, X7, X8, X5, X1, X2)
	AHEAD(9, X10, X11, X12, X9, X3, X4)
	AHEAD(10, X7, X8, X5, X6, X1, X2)
	AHEAD(10, X11, X12, X9, X10, X3, X4)
	AHEAD(11, X8, X5, X6, X7, X1, X2)
	AHEAD(11, X12, X9, X10, X11, X3, X4)
	ROUNDS(12, X5, X1, X2)
	ROUNDS(12, X9, X3, X4)
	ROUNDS(13, X6, X1, X2)
	ROUNDS(13, X10, X3, X4)
	ROUNDS(14, X7, X1, X2)
	ROUNDS(14, X11, X3, X4)
	ROUNDS(15, X8, X1, X2)
	ROUNDS(15, X12, X3, X4)
	ADD(0, X1)
	ADD(16, X2)
	ADD(32, X3)
	ADD(48, X4)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ R8
	JNZ  block
	RET

// func compressOne(value *[8]uint32, message *byte, blocks int)
//
// The registers are those of compressPair's first message.
TEXT ·compressOne(SB), NOSPLIT, $0-24
	MOVQ    value+0(FP), AX
	MOVQ    message+8(FP), SI
	MOVQ    blocks+16(FP), R8
	LEAQ    k<>(SB), CX
	VZEROUPPER
	VMOVDQU swap<>(SB), X15
	VMOVDQU (AX), X1
	VMOVDQU 16(AX), X2
	PCALIGN $32

block:
	LOAD(0, SI, X5)
	LOAD(1, SI, X6)
	LOAD(2, SI, X7)
	LOAD(3, SI, X8)
	AHEAD(0, X5, X6, X7, X8, X1, X2)
	AHEAD(1, X6, X7, X8, X5, X1, X2)
	AHEAD(2, X7, X8, X5, X6, X1, X2)
	AHEAD(3, X8, X5, X6, X7, X1, X2)
	AHEAD(4, X5, X6, X7, X8, X1, X2)
	AHEAD(5, X6, X7, X8, X5, X1, X2)
	AHEAD(6, X7, X8, X5, X6, X1, X2)
	AHEAD(7, X8, X5, X6, X7, X1, X2)
	AHEAD(8, X5, X6, X7, X8, X1, X2)
	AHEAD(9, X6, X7, X8, X5, X1, X2)
	AHEAD(10, X7, X8, X5, X6, X1, X2)
	AHEAD(11, X8, X5, X6, X7, X1, X2)
	ROUNDS(12, X5, X1, X2)
	ROUNDS(13, X6, X1, X2)
	ROUNDS(14, X7, X1, X2)
	ROUNDS(15, X8, X1, X2)
	ADD(0, X1)
	ADD(16, X2)
	ADDQ $64, SI
	DECQ R8
	JNZ  block
	RET

// QUAD reads the blocks of four lanes, in which 128 bits are four words of one lane, and
// leaves four words of which each 128 bits are one of the four lanes.
#define QUAD(lane, w0, w1, w2, w3) \
	MOVQ        (8*lane)(DX), R9;     \
	MOVQ        (8*lane+8)(DX), R10;  \
	MOVQ        (8*lane+16)(DX), R11; \
	MOVQ        (8*lane+24)(DX), R12; \
	VMOVDQU32   (R9)(BX*1), Z0;       \
	VMOVDQU32   (R10)(BX*1), Z1;      \
	VMOVDQU32   (R11)(BX*1), Z2;      \
	VMOVDQU32   (R12)(BX*1), Z3;      \
	VPSHUFB     Z8, Z0, Z0;           \
	VPSHUFB     Z8, Z1, Z1;           \
	VPSHUFB     Z8, Z2, Z2;           \
	VPSHUFB     Z8, Z3, Z3;           \
	VPUNPCKLDQ  Z1, Z0, Z4;           \
	VPUNPCKHDQ  Z1, Z0, Z5;           \
	VPUNPCKLDQ  Z3, Z2, Z6;           \
	VPUNPCKHDQ  Z3, Z2, Z7;           \
	VPUNPCKLQDQ Z6, Z4, w0;           \
	VPUNPCKHQDQ Z6, Z4, w1;           \
	VPUNPCKLQDQ Z7, Z5, w2;           \
	VPUNPCKHQDQ Z7, Z5, w3

// GATHER takes a quarter of the words of each quad, and leaves words that are each of all
// 16 lanes.
#define GATHER(w0, w1, w2, w3) \
	VSHUFI32X4 $0x88, w1, w0, Z0; \
	VSHUFI32X4 $0xdd, w1, w0, Z1; \
	VSHUFI32X4 $0x88, w3, w2, Z2; \
	VSHUFI32X4 $0xdd, w3, w2, Z3; \
	VSHUFI32X4 $0x88, Z2, Z0, w0; \
	VSHUFI32X4 $0x88, Z3, Z1, w1; \
	VSHUFI32X4 $0xdd, Z2, Z0, w2; \
	VSHUFI32X4 $0xdd, Z3, Z1, w3

// ROUND is a round (FIPS 180-4, section 6.2.2, step 3), which leaves the new A in h and the
// new E in d. VPTERNLOGD does the functions of three words at once: 0x96 is their exclusive
// or, 0xca Ch and 0xe8 Maj.
#define ROUND(round, a, b, c, d, e, f, g, h, w) \
	VPADDD.BCST (4*round)(CX), w, Z8; \
	VPRORD      $6, e, Z9;            \
	VPRORD      $11, e, Z10;          \
	VPRORD      $25, e, Z11;          \
	VPADDD      Z8, h, h;             \
	VMOVDQA32   e, Z12;               \
	VPTERNLOGD  $0xca, g, f, Z12;     \
	VPTERNLOGD  $0x96, Z10, Z9, Z11;  \
	VPADDD      Z12, h, h;            \
	VPRORD      $2, a, Z13;           \
	VPRORD      $13, a, Z14;          \
	VPRORD      $22, a, Z15;          \
	VPADDD      Z11, h, h;            \
	VMOVDQA32   a, Z12;               \
	VPTERNLOGD  $0xe8, c, b, Z12;     \
	VPADDD      h, d, d;              \
	VPTERNLOGD  $0x96, Z14, Z13, Z15; \
	VPADDD      Z12, h, h;            \
	VPADDD      Z15, h, h

// WORD replaces the oldest of the last 16 words, w0, by the next one (step 1).
#define WORD(w0, w1, w9, w14) \
	VPRORD     $7, w1, Z8;          \
	VPRORD     $18, w1, Z9;         \
	VPSRLD     $3, w1, Z10;         \
	VPRORD     $17, w14, Z11;       \
	VPRORD     $19, w14, Z12;       \
	VPSRLD     $10, w14, Z13;       \
	VPADDD     w9, w0, w0;          \
	VPTERNLOGD $0x96, Z9, Z8, Z10;  \
	VPTERNLOGD $0x96, Z12, Z11, Z13;\
	VPADDD     Z10, w0, w0;         \
	VPADDD     Z13, w0, w0

// WORD_ROUND is a round with the next word.
#define WORD_ROUND(round, a, b, c, d, e, f, g, h, w0, w1, w9, w14) \
	WORD(w0, w1, w9, w14);                    \
	ROUND(round, a, b, c, d, e, f, g, h, w0)

// SUM adds the hash values before the block (step 4), and keeps the new ones.
#define SUM(offset, word) \
	VPADDD    offset(AX), word, word; \
	VMOVDQU32 word, offset(AX)

// func compressWide(values *hashValues, messages *[wideLanes]*byte, blocks int)
//
// A vector is one word of all lanes. Z0 to Z7 are the hash values, A to H, and Z16 to Z31 the
// last 16 words of the schedules.
TEXT ·compressWide(SB), NOSPLIT, $0-24
	MOVQ values+0(FP), AX
	MOVQ messages+8(FP), DX
	MOVQ blocks+16(FP), R8
	XORQ BX, BX

block:
	VBROADCASTI32X4 swap<>(SB), Z8
	QUAD(0, Z16, Z17, Z18, Z19)
	QUAD(4, Z20, Z21, Z22, Z23)
	QUAD(8, Z24, Z25, Z26, Z27)
	QUAD(12, Z28, Z29, Z30, Z31)
	GATHER(Z16, Z20, Z24, Z28)
	GATHER(Z17, Z21, Z25, Z29)
	GATHER(Z18, Z22, Z26, Z30)
	GATHER(Z19, Z23, Z27, Z31)
	VMOVDQU32 0(AX), Z0
	VMOVDQU32 64(AX), Z1
	VMOVDQU32 128(AX), Z2
	VMOVDQU32 192(AX), Z3
	VMOVDQU32 256(AX), Z4
	VMOVDQU32 320(AX), Z5
	VMOVDQU32 384(AX), Z6
	VMOVDQU32 448(AX), Z7
	LEAQ k<>(SB), CX
	ROUND(0, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z16)
	ROUND(1, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z17)
	ROUND(2, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z18)
	ROUND(3, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z19)
	ROUND(4, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z20)
	ROUND(5, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z21)
	ROUND(6, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z22)
	ROUND(7, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z23)
	ROUND(8, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z24)
	ROUND(9, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z25)
	ROUND(10, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z26)
	ROUND(11, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z27)
	ROUND(12, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z28)
	ROUND(13, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z29)
	ROUND(14, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z30)
	ROUND(15, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z31)
	MOVQ $3, R13

words:
	ADDQ $64, CX
	WORD_ROUND(0, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z16, Z17, Z25, Z30)
	WORD_ROUND(1, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z17, Z18, Z26, Z31)
	WORD_ROUND(2, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z18, Z19, Z27, Z16)
	WORD_ROUND(3, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z19, Z20, Z28, Z17)
	WORD_ROUND(4, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z20, Z21, Z29, Z18)
	WORD_ROUND(5, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z21, Z22, Z30, Z19)
	WORD_ROUND(6, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z22, Z23, Z31, Z20)
	WORD_ROUND(7, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z23, Z24, Z16, Z21)
	WORD_ROUND(8, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z24, Z25, Z17, Z22)
	WORD_ROUND(9, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z25, Z26, Z18, Z23)
	WORD_ROUND(10, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z26, Z27, Z19, Z24)
	WORD_ROUND(11, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z27, Z28, Z20, Z25)
	WORD_ROUND(12, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z28, Z29, Z21, Z26)
	WORD_ROUND(13, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z29, Z30, Z22, Z27)
	WORD_ROUND(14, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z30, Z31, Z23, Z28)
	WORD_ROUND(15, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z31, Z16, Z24, Z29)
	DECQ R13
	JNZ  words

	SUM(0, Z0)
	SUM(64, Z1)
	SUM(128, Z2)
	SUM(192, Z3)
	SUM(256, Z4)
	SUM(320, Z5)
	SUM(384, Z6)
	SUM(448, Z7)
	ADDQ $64, BX
	DECQ R8
	JNZ  block
	VZEROUPPER
	RET
