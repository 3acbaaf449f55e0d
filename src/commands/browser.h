// SPDX-License-Identifier: MIT
// browser.h - shows the page to the person who started the run.
#pragma once

void browser_open(const char *page); // where there is a display and a terminal; else nothing
