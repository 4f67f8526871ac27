// SPDX-License-Identifier: BSD-2-Clause
//
// The example of libfuse as it is.
#include <passthrough_hp.cc>
