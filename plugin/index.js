// The plugin's first module, in JavaScript: Pulumi has ts-node load a plugin, which refuses TypeScript as ES modules.
import { main } from "@pulumi/pulumi/provider/index.js";
import { KubeProxyProvider } from "./provider.ts";
import { tellRejectionsOnce } from "./rejections.ts";

void main(new KubeProxyProvider(), process.argv.slice(2));
tellRejectionsOnce();
