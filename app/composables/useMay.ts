import type { MemberRole } from '#shared/identity'
import { roleReaches } from '#shared/roles'
import { useSession } from '~/composables/useSession'

/** Whether the person at the screen has at least this role in the org. What they may not do is not offered; docs/roles.md tells what that is. */
export function useMay(needed: MemberRole) {
  const session = useSession()
  return computed(() => session.value?.role != null && roleReaches(session.value.role, needed))
}
