import app from './app.json'

/** What Loom says in English, a file an area. */
export const en = { app }
