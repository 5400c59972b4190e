import { hostname, userInfo } from "node:os";

/** Where a CI system says which run this is; the first that is set counts. */
const ciRuns: readonly ((env: NodeJS.ProcessEnv) => string | undefined)[] = [
  ({ GITHUB_SERVER_URL: url, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run }) =>
    url && repository && run ? `${url}/${repository}/actions/runs/${run}` : undefined,
  ({ CI_JOB_URL }) => CI_JOB_URL, // GitLab
  ({ BUILD_URL }) => BUILD_URL, // Jenkins
  ({ BUILDKITE_BUILD_URL }) => BUILDKITE_BUILD_URL,
  ({ CIRCLE_BUILD_URL }) => CIRCLE_BUILD_URL,
  ({ SYSTEM_COLLECTIONURI: url, SYSTEM_TEAMPROJECT: project, BUILD_BUILDID: run }) =>
    url && project && run ? `${url}${project}/_build/results?buildId=${run}` : undefined, // Azure
];

/** Who runs this program: the CI run's URL, or `user@host`. */
export function whoRuns(env: NodeJS.ProcessEnv): string {
  return ciRuns.map((read) => read(env)).find(Boolean) ?? `${userName(env)}@${hostname()}`;
}

function userName(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user often has no entry in the password file.
    return env["USER"] ?? `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
