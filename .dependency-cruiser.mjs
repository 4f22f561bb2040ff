/** The rooms in the order in which they may know each other: each imports only what stands before it. */
export const rooms = [
  "errors",
  "bytes",
  "tree",
  "application",
  "formats",
  "host",
  "compression",
  "store",
  "guest",
  "sources",
  "shaping",
  "kernel",
  "vmm",
  "relay",
  "config",
  "operations",
];

/** The rooms in operations/, in the same order; the files beside them are the operations themselves. */
const operationRooms = [
  "common",
  "tap",
  "initramfs",
  "packed",
  "writing",
  "images",
  "machine",
  "building",
  "bundle",
  "running",
  "checking",
  "doctor",
];

/** Rooms whose parts are siblings that must not know each other. */
const siblingRooms = ["formats", "sources", "vmm"];

/** What the siblings of a room share, and so is none of them: recipes, and images however they come. */
const sharedParts = "recipe|image";

const upward = rooms.map((room, index) => ({
  name: `${room}-imports-upward-only`,
  comment: `${room}/ may import ${rooms.slice(0, index).join(", ") || "nothing"}`,
  severity: "error",
  from: { path: `^src/${room}/`, pathNot: "\\.test\\.ts$" },
  to: { path: `^src/(${[...rooms.slice(index + 1), "cli"].join("|")})/|^src/index\\.ts$` },
}));

const siblings = siblingRooms.map((room) => ({
  name: `${room}-siblings-apart`,
  severity: "error",
  from: { path: `^src/${room}/([^/]+)/`, pathNot: "\\.test\\.ts$" },
  to: { path: `^src/${room}/([^/]+)/`, pathNot: `^src/${room}/($1|${sharedParts})/` },
}));

const insideOperations = operationRooms.map((room, index) => ({
  name: `operations-${room}-imports-upward-only`,
  comment: `operations/${room}/ may import ${operationRooms.slice(0, index).join(", ") || "nothing"} of operations/`,
  severity: "error",
  from: { path: `^src/operations/${room}/`, pathNot: "\\.test\\.ts$" },
  to: {
    path: "^src/operations/",
    pathNot: `^src/operations/(${operationRooms.slice(0, index + 1).join("|")})/`,
  },
}));

export default {
  forbidden: [
    ...upward,
    ...insideOperations,
    ...siblings,
    {
      name: "cli-knows-index-alone",
      severity: "error",
      from: { path: "^src/cli/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/", pathNot: "^src/(cli/|index\\.ts$)" },
    },
    {
      name: "through-the-front-door",
      comment: "another room is imported through its index.ts",
      severity: "error",
      from: { path: "^src/([^/]+)/", pathNot: "\\.test\\.ts$" },
      to: {
        path: "^src/[^/]+/.+",
        pathNot: "^src/($1/|[^/]+/index\\.ts$|formats/[^/]+/index\\.ts$)",
      },
    },
    {
      name: "pure-rooms",
      comment: "errors, bytes, tree, application and formats know nothing of Node",
      severity: "error",
      from: { path: "^src/(errors|bytes|tree|application|formats)/", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "only-host-touches-the-machine",
      comment: "compression uses node:zlib, which computes and touches nothing",
      severity: "error",
      from: { path: "^src/(?!host/|cli/)", pathNot: "\\.test\\.ts$" },
      to: { path: "^(node:)?(fs|fs/promises|child_process|net|http|https|os|tty|readline)$" },
    },
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-dev-dependencies",
      severity: "error",
      from: { path: "^src/", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg"] },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types"] },
  },
};
