/** What turns a key of `app/locales/` into a text: the `t` of `useI18n()`, for helpers that belong to no component. */
export type Translate = (key: string, named?: Record<string, unknown>) => string
