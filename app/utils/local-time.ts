/** A moment as `<input type="datetime-local">` takes it: `YYYY-MM-DDTHH:mm` of the person's own clock. */
export function toLocalTime(iso: string): string {
  const at = new Date(iso)
  return Number.isNaN(at.getTime()) ? '' : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** The moment such an input holds, in ISO 8601; undefined where it is empty. */
export function fromLocalTime(local: string): string | undefined {
  return local === '' ? undefined : new Date(local).toISOString()
}
