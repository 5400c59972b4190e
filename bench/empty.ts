// What every program with these three SDKs has to load.
import "@pulumi/command";
import "@pulumi/kubernetes";
import "@pulumi/pulumi";
