/** The rooms of `components`, from the roof down: each imports only from those that stand below it. See docs/development.md. */
const rooms = [
  "index.ts",
  "stackConfig.ts",
  "reading.ts",
  "kubeProxy.ts",
  "resources/",
  "stackValues.ts",
  "args.ts",
  "cluster/",
  "service/",
  "preflight/",
  "plan/",
  "adoption/",
  "restart/",
  "pools/",
  "facts/",
  "kubeadm/",
  "configuration/",
  "advisories/",
  "monitoring/",
  "report/",
  "input/",
];

/** @param {string} name */
const pathOf = (name) => `^components/${name.replaceAll(".", "\\.")}`;
/** @param {readonly string[]} names */
const anyOf = (names) => names.map(pathOf);
const homeless = { path: "^components/", pathNot: anyOf(rooms) };
const withPulumi = ["stackConfig.ts", "kubeProxy.ts", "resources/", "args.ts"];

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...rooms.slice(1).map((room, index) => ({
      name: `floor-of-${room.replace(/\/|\.ts$/, "")}`,
      comment: "A room imports only from rooms below it: move what both need down.",
      severity: "error",
      from: { path: pathOf(room) },
      to: { path: anyOf(rooms.slice(0, index + 1)) },
    })),
    // Be it that it imports, or is imported.
    ...[
      { from: homeless, to: {} },
      { from: {}, to: homeless },
    ].map((way) => ({
      name: "no-room-without-a-floor",
      comment: "A new room gets its place in `rooms`.",
      severity: "error",
      ...way,
    })),
    {
      name: "no-circle",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "components-stand-alone",
      comment: "The package knows nothing of what uses or tries it.",
      severity: "error",
      from: { path: "^components/" },
      to: { path: "^(commands|fleet|lab|oracles|tests|bench|index\\.ts)" },
    },
    {
      name: "pulumi-in-the-upper-rooms",
      severity: "error",
      from: { path: "^components/", pathNot: anyOf([...withPulumi, "index.ts"]) },
      to: { path: "^node_modules/@pulumi/" },
    },
    {
      name: "only-cluster-talks-to-an-api-server",
      severity: "error",
      from: { path: "^components/", pathNot: anyOf(["cluster/"]) },
      to: { path: "^node_modules/@kubernetes/" },
    },
    {
      name: "fleet-for-those-who-use-it",
      comment: "Who has one cluster loads nothing of it.",
      severity: "error",
      from: { path: "^(index\\.ts|commands/|lab/|bench/|oracles/)", pathNot: "^commands/fleet\\.ts" },
      to: { path: "^fleet/" },
    },
    {
      name: "pulumi-in-one-file-of-the-fleet",
      comment: "What decides and what is shown is pure; others know of Pulumi's types alone.",
      severity: "error",
      from: { path: "^fleet/", pathNot: "^fleet/automation\\.ts" },
      to: { path: "^node_modules/@pulumi/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "fleet-decides-before-it-acts",
      severity: "error",
      from: { path: "^fleet/(file|already|rollout|progress|view|page)\\.ts" },
      to: { path: "^fleet/(automation|reports|run|screen)\\.ts" },
    },
    {
      name: "resolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "^node_modules" },
    // Types, too: who names another room's type knows that room.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
