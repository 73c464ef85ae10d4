const FILE_NAME_MAX = 200
// Control characters, and those that turn the direction of writing so that `gpj.exe` reads as `exe.jpg`.
const UNSEEN = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** A name to be shown and downloaded by: its last path segment without what cannot be seen; never empty. */
export function toFileName(name: string): string {
  const [last = ''] = name.toWellFormed().replace(UNSEEN, '').split(/[/\\]/).slice(-1)
  const kept = last.trim().replace(/^\.+$/, '')
  if (kept.length <= FILE_NAME_MAX) return kept || 'file'
  const extension = /\.\w{1,10}$/.exec(kept)?.[0] ?? ''
  return kept.slice(0, FILE_NAME_MAX - extension.length).toWellFormed() + extension
}
