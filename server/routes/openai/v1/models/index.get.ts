/** The same under the paths Azure's SDKs use. */
export { default } from '../../../v1/models/index.get'
