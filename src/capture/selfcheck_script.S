/* SPDX-License-Identifier: MIT */
/* selfcheck_script.S - selfcheck.py as a string of the program, for selfcheck_run.c. */
        .section .rodata
        .globl  selfcheck_script
        .hidden selfcheck_script
        .type   selfcheck_script, %object
selfcheck_script:
        .incbin SCRIPT
        .byte   0
        .size   selfcheck_script, . - selfcheck_script
        .section .note.GNU-stack, "", %progbits
