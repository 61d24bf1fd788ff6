// Files as a whole: read with a limit, written atomically.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flatenn {

/// The whole file. Throws Error when it is missing, unreadable, not a regular file or larger than
/// `limit` bytes. The lines name the path and the system's reason.
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 std::uint64_t limit = std::uint64_t{4} << 30);
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit = 64 << 20);

/// Writes beside the target, flushes to disk, renames over it: readers see the old file or the new
/// one, never a part. Throws Error on a full disk or an unwritable folder and leaves nothing
/// behind.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

/// Creates the folder and its parents; throws Error when it cannot.
void make_folder(const std::filesystem::path& path);

}  // namespace flatenn
