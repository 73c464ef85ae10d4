import type { ConversationSettings } from '#shared/conversations'

/** The settings of a conversation; with a version where others may change them, too. */
export type VersionedSettings = ConversationSettings & { version?: string }

/** Keeps what was changed of them, over those of `version` alone where that is given. @throws {ApiError} `conflict` when they are others by now */
export type SaveSettings = (changed: Partial<ConversationSettings>, version: string | undefined) => Promise<void> | void
