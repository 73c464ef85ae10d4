/** Nothing, as an SDK can read it. */
export { default } from '../v1/[...operation]'
