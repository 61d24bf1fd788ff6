// Where a plan's buffers lie in the memory that all of them share.
#pragma once

#include "flatenn/engine/int8_plan.h"

namespace flatenn::int8 {

/// Buffers of the same geometry share a place once the earlier one has been read for the last
/// time: fewer bytes stay in cache longer, and borders need no second filling. (The channels are
/// part of the geometry because a TwinStep writes into lanes of the border that other channel
/// counts use.)
void place_buffers(Plan& plan);

}  // namespace flatenn::int8
