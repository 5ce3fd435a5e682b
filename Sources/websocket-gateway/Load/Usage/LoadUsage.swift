/// What a run looks at before its first publish and after its last delivery.
struct LoadUsage {
    /// By its metrics; nil where they did not tell, or were not asked.
    var gateway: GatewayUsage?
    /// By its processes, where they were named.
    var server: ServerUsage?
    var machine: MachineUsage?
}
