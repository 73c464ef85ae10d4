/** The contract of a reply that nobody reads. */
export const anyReply = async () => (await import('#shared/json')).AnyReply
