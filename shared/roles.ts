/** What a member may do in an org, from most to least. */
export const memberRoles = ['owner', 'admin', 'member', 'viewer'] as const
type MemberRole = typeof memberRoles[number]

/** Whether `role` may do what `needed` may: owner > admin > member > viewer. */
export function roleReaches(role: MemberRole, needed: MemberRole): boolean {
  return memberRoles.indexOf(role) <= memberRoles.indexOf(needed)
}
