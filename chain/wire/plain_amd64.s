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

DATA braceBytes<>+0(SB)/1, $0x22 // a double quote
DATA braceBytes<>+1(SB)/1, $0x5C // a backslash
DATA braceBytes<>+2(SB)/1, $'{'
DATA braceBytes<>+3(SB)/1, $'}'
GLOBL braceBytes<>(SB), RODATA|NOPTR, $4

// func bracesAVX2(s []byte, depth int, inString bool) (n, newDepth int, isStill bool)
//
// A bit of a mask stands for a byte. The exclusive or of the quotes' bits up to each byte,
// which is a product without carries, tells what is within a string.
TEXT ·bracesAVX2(SB), NOSPLIT, $0-57
	MOVQ         s_base+0(FP), SI
	MOVQ         s_len+8(FP), CX
	MOVQ         depth+24(FP), R9
	MOVBLZX      inString+32(FP), R8
	NEGL         R8                     // all bits if the next byte is within a string
	VPBROADCASTB braceBytes<>+0(SB), Y1
	VPBROADCASTB braceBytes<>+1(SB), Y2
	VPBROADCASTB braceBytes<>+2(SB), Y3
	VPBROADCASTB braceBytes<>+3(SB), Y4
	VPCMPEQB     X5, X5, X5             // the other factor: all bits
	XORQ         AX, AX                 // n
	SUBQ         $32, CX                // where the last vector begins

next:
	CMPQ       AX, CX
	JGT        done
	VMOVDQU    (SI)(AX*1), Y0
	VPCMPEQB   Y1, Y0, Y6
	VPCMPEQB   Y2, Y0, Y7
	VPCMPEQB   Y3, Y0, Y8
	VPCMPEQB   Y4, Y0, Y9
	VPMOVMSKB  Y7, DX
	TESTL      DX, DX
	JNZ        done
	VPMOVMSKB  Y6, DX
	VMOVD      DX, X6
	VPCLMULQDQ $0, X5, X6, X6
	VMOVD      X6, DX
	XORL       R8, DX         // what is within a string
	MOVL       DX, BX
	NOTL       BX
	VPMOVMSKB  Y9, R10
	ANDL       BX, R10
	POPCNTL    R10, R10
	CMPQ       R10, R9
	JGE        done
	VPMOVMSKB  Y8, R11
	ANDL       BX, R11
	POPCNTL    R11, R11
	ADDQ       R11, R9
	SUBQ       R10, R9
	MOVL       DX, R8
	SARL       $31, R8
	ADDQ       $32, AX
	JMP        next

done:
	ANDL $1, R8
	MOVQ AX, n+40(FP)
	MOVQ R9, newDepth+48(FP)
	MOVB R8, isStill+56(FP)
	VZEROUPPER
	RET
