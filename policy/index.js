// The pack's first module, in JavaScript: Pulumi has ts-node load it, which refuses TypeScript as ES modules.
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies.ts";

new PolicyPack("kube-proxy", { policies, enforcementLevel: "mandatory" });
