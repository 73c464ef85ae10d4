/** The id of the project last seen in this browser. */
export const useLastProject = () => useCookie<string | null>('loom-project', { default: () => null, sameSite: 'lax', maxAge: 60 * 60 * 24 * 365 })
