//go:build !purego

#include "textflag.h"

// A byte to which 1 is added is above ' ' as a signed number just where the byte was
// printable ASCII: from 0x7F on the sum is negative, or 0.
DATA plainBytes<>+0(SB)/1, $0x01
DATA plainBytes<>+1(SB)/1, $' '
DATA plainBytes<>+2(SB)/1, $0x22 // a double quote
DATA plainBytes<>+3(SB)/1, $0x27 // a single one
DATA plainBytes<>+4(SB)/1, $0x5C // a backslash
GLOBL plainBytes<>(SB), RODATA|NOPTR, $5

// func plainStringAVX2(s string) int
TEXT ·plainStringAVX2(SB), NOSPLIT, $0-24
	MOVQ s_base+0(FP), SI
	MOVQ s_len+8(FP), CX
	LEAQ ret+16(FP), DI
	JMP  plain<>(SB)

// func plainSliceAVX2(s []byte) int
TEXT ·plainSliceAVX2(SB), NOSPLIT, $0-32
	MOVQ s_base+0(FP), SI
	MOVQ s_len+8(FP), CX
	LEAQ ret+24(FP), DI
	JMP  plain<>(SB)

// plain counts in CX bytes at SI, 32 at least, and stores the count at DI. It reads 32 at
// a time, of which the last ones overlap those before: so it reads nothing behind the end.
TEXT plain<>(SB), NOSPLIT, $0
	VPBROADCASTB plainBytes<>+0(SB), Y1
	VPBROADCASTB plainBytes<>+1(SB), Y2
	VPBROADCASTB plainBytes<>+2(SB), Y3
	VPBROADCASTB plainBytes<>+3(SB), Y4
	VPBROADCASTB plainBytes<>+4(SB), Y5
	XORQ         AX, AX                 // the count
	LEAQ         -32(CX), BX            // where the last ones begin

next:
	VMOVDQU   (SI)(AX*1), Y0
	VPADDB    Y1, Y0, Y6
	VPCMPGTB  Y2, Y6, Y6
	VPCMPEQB  Y3, Y0, Y7
	VPCMPEQB  Y4, Y0, Y8
	VPCMPEQB  Y5, Y0, Y9
	VPOR      Y7, Y8, Y7
	VPOR      Y7, Y9, Y7
	VPANDN    Y6, Y7, Y6
	VPMOVMSKB Y6, DX     // a bit for each byte that is plain
	NOTL      DX
	TESTL     DX, DX
	JNZ       found
	ADDQ      $32, AX
	CMPQ      AX, BX
	JLS       next
	CMPQ      AX, CX
	JEQ       done
	MOVQ      BX, AX
	JMP       next

found:
	BSFL DX, DX
	ADDQ DX, AX

done:
	MOVQ       AX, (DI)
	VZEROUPPER
	RET
