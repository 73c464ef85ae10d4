/** Nothing, as an SDK can read it: `/v1` and `/v1/`. */
export { default } from './[...operation]'
