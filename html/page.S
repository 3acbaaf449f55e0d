/* SPDX-License-Identifier: MIT */
/* page.S - the linked page as bytes of the program, for src/report/html.c. */
        .section .rodata
        .globl  page_html, page_html_end
        .hidden page_html, page_html_end
        .type   page_html, %object
page_html:
        .incbin PAGE
        .size   page_html, . - page_html
page_html_end:
        .byte   0
        .section .note.GNU-stack, "", %progbits
