// Bounds of one coordinator.

/** Characters of a group's name. */
export const GROUP_ID_LENGTH_MAX = 249;
/** Members of one group. */
export const MEMBERS_PER_GROUP_MAX = 1_000;
/** Names and prefixes that one member may subscribe to. */
export const TOPICS_PER_MEMBER_MAX = 1_000;
/** Characters of a member's names: instance id, client id, rack. */
export const NAME_LENGTH_MAX = 255;
/** Silence after which a member is out, milliseconds: what it may ask for, and gets unasked. */
export const SESSION_TIMEOUT_MS = { min: 1_000, max: 1_800_000, default: 45_000 } as const;
/** Time to give up partitions, milliseconds: what a member may ask for, and gets unasked. */
export const REBALANCE_TIMEOUT_MS = { min: 1_000, max: 1_800_000, default: 300_000 } as const;
/** Partitions of one commit. */
export const OFFSETS_PER_COMMIT_MAX = 10_000;
/** Bytes in UTF-8 of the text beside an offset. */
export const OFFSET_METADATA_BYTES_MAX = 4_096;
/** The same for all offsets of one commit together. */
export const COMMIT_METADATA_BYTES_MAX = 262_144;
/** Groups of one coordinator; with fewer than this a group can always be made. */
export const GROUPS_MAX = 100_000;
