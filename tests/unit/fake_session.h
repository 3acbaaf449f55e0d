// SPDX-License-Identifier: MIT
// fake_session.h - a session with one ring, whose target is made up by a test: it writes records as
// a shim would, and a real collector drains them.
#pragma once

#include "lineprof/collector.h"
#include "lineprof/profile.h"
#include "lineprof/ring.h"
#include "lineprof/session.h"

struct fake_session {
    struct session session;
    struct ring ring; // the target's side
    struct recording *rec;
    struct collector *collector;
};

// A 3.11 whose memory is out of reach: nothing looks at it from outside. 0 or -errno.
int fake_session_open(struct fake_session *fake);
void fake_session_publish(struct fake_session *fake); // the header is as the test wants it
void fake_session_finish(struct fake_session *fake, struct collector_summary *summary);
void fake_session_close(struct fake_session *fake);

void fake_code(struct fake_session *fake, uint32_t id, const char *file, const char *name);
