// ThreadTime: what a piece of work costs a processor, whatever else the machine is doing.
#pragma once

namespace flatenn {

/// Seconds of processor time that the calling thread has used. Differences count.
double thread_seconds();

}  // namespace flatenn
