// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Sets of epochs in words of 256 bits.
library Epochs {
    /// "Not yet": an epoch after all others.
    uint32 internal constant NEVER = type(uint32).max;

    /// @dev Those of the epochs [from, until) that are in a word.
    function range(uint256 from, uint256 until, uint256 word) internal pure returns (uint256) {
        uint256 start = word << 8;
        uint256 low = from > start ? from - start : 0;
        uint256 high = until > start ? until - start : 0;
        if (high > 256) high = 256;
        if (low >= high) return 0;
        // The distance is 1 to 256, so that the shift is 0 to 255.
        return (type(uint256).max >> (256 - (high - low))) << low;
    }

    /// @dev Adds the epochs [from, from + count) to a map of words.
    function add(mapping(uint256 => uint256) storage words, uint256 from, uint256 length) internal {
        if (length == 0) return;
        uint256 last = (from + length - 1) >> 8;
        for (uint256 word = from >> 8; word <= last; ++word) {
            words[word] |= range(from, from + length, word);
        }
    }

    /// @dev How many epochs a word has.
    function count(uint256 word) internal pure returns (uint256 bits) {
        for (; word != 0; word &= word - 1) {
            ++bits;
        }
    }
}
