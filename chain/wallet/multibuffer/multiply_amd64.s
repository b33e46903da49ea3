//go:build !purego

#include "textflag.h"

// COLUMN is a column of a row. Z1 is the row's limb of b, and Z2 its m. To the sum of the
// column it adds the lower halves of their products with the limbs a and n of this column,
// which it loads, and the upper halves of those of the column before. It leaves the sum one place
// lower, since a row divides by 2^52.
#define COLUMN(offset, aBefore, nBefore, a, n) \
	VMOVDQU64   offset(SI), a;    \
	VMOVDQU64   offset(CX), n;    \
	VMOVDQU64   offset(DI), Z8;   \
	VPMADD52HUQ Z1, aBefore, Z8;  \
	VPMADD52LUQ Z1, a, Z8;        \
	VPMADD52HUQ Z2, nBefore, Z8;  \
	VPMADD52LUQ Z2, n, Z8;        \
	VMOVDQU64   Z8, (offset-64)(DI)

// func multiply(product, a, b, n, sums, inverse *vector, limbs int)
//
// Montgomery's product by rows, each a limb of b times a, and m times n, which makes the
// lowest limb 0 (coarsely integrated operand scanning: Koç, Acar and Kaliski, "Analyzing and
// Comparing Montgomery Multiplication Algorithms", 1996). The sums stay below 2^62, four
// halves of 52 bits from each of up to 158 rows, so they are carried over only at the end.
TEXT ·multiply(SB), NOSPLIT, $0-56
	MOVQ      a+8(FP), SI
	MOVQ      b+16(FP), DX
	MOVQ      n+24(FP), CX
	MOVQ      sums+32(FP), DI
	MOVQ      inverse+40(FP), AX
	MOVQ      limbs+48(FP), R8
	VMOVDQU64 (AX), Z3
	VPXORQ    Z0, Z0, Z0
	MOVQ      DI, BX
	MOVQ      R8, R9

clear:
	VMOVDQU64 Z0, (BX)
	ADDQ      $64, BX
	DECQ      R9
	JNZ       clear

	MOVQ    SI, R11
	MOVQ    CX, R12
	MOVQ    DI, R13
	MOVQ    R8, R10
	PCALIGN $32

row:
	VMOVDQU64   (DX), Z1
	VMOVDQU64   (SI), Z4
	VMOVDQU64   (CX), Z5
	VMOVDQU64   (DI), Z9
	VPMADD52LUQ Z1, Z4, Z9
	VPXORQ      Z2, Z2, Z2
	VPMADD52LUQ Z3, Z9, Z2
	VPMADD52LUQ Z2, Z5, Z9
	VPSRLQ      $52, Z9, Z9    // goes to the next column

	VMOVDQU64   64(SI), Z6
	VMOVDQU64   64(CX), Z7
	VPADDQ      64(DI), Z9, Z8
	VPMADD52HUQ Z1, Z4, Z8
	VPMADD52LUQ Z1, Z6, Z8
	VPMADD52HUQ Z2, Z5, Z8
	VPMADD52LUQ Z2, Z7, Z8
	VMOVDQU64   Z8, (DI)
	MOVQ        R8, R9
	SUBQ        $2, R9
	PCALIGN     $32

columns:
	COLUMN(128, Z6, Z7, Z4, Z5)
	COLUMN(192, Z4, Z5, Z6, Z7)
	ADDQ $128, SI
	ADDQ $128, CX
	ADDQ $128, DI
	SUBQ $2, R9
	JNZ  columns

	VPXORQ      Z8, Z8, Z8
	VPMADD52HUQ Z1, Z6, Z8
	VPMADD52HUQ Z2, Z7, Z8
	VMOVDQU64   Z8, 64(DI)
	MOVQ        R11, SI
	MOVQ        R12, CX
	MOVQ        R13, DI
	ADDQ        $64, DX
	DECQ        R10
	JNZ         row

	MOVQ       product+0(FP), BX
	VPTERNLOGQ $255, Z1, Z1, Z1
	VPSRLQ     $12, Z1, Z1       // 2^52-1
	VPXORQ     Z2, Z2, Z2

carry:
	VPADDQ    (DI), Z2, Z2
	VPANDQ    Z1, Z2, Z8
	VPSRLQ    $52, Z2, Z2
	VMOVDQU64 Z8, (BX)
	ADDQ      $64, DI
	ADDQ      $64, BX
	DECQ      R8
	JNZ       carry
	VZEROUPPER
	RET
