/*
 * schema.c: the declarative description of all foreign tables and columns.
 *
 * To add a column, add its line; to add a table, add its entry.  The DDL of
 * IMPORT FOREIGN SCHEMA, the binding of foreign tables, the conversion of
 * values, imagebuilder_fdw_columns() and doc/tables.md all come
 * out of this array.  The paths are those of the responses of the operations that
 * the tables ask, API version 2019-12-02.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "rows/schema.h"

#define SOURCES(...) \
	.sources = (const SchemaSource[]) {__VA_ARGS__}, \
	.nsources = sizeof((const SchemaSource[]) {__VA_ARGS__}) / sizeof(SchemaSource)
#define COLUMNS(...) \
	.columns = (const SchemaColumn[]) {__VA_ARGS__}, \
	.ncolumns = sizeof((const SchemaColumn[]) {__VA_ARGS__}) / sizeof(SchemaColumn)

const SchemaTable schema_tables[] = {
	{
		.name = "images", .rows = 1,
		SOURCES({NULL, ""}),
		COLUMNS({"arn", TYPE_TEXT, "@arn"},
				{"build_version_arn", TYPE_TEXT, "image.arn"},
				{"name", TYPE_TEXT, "image.name"},
				{"version", TYPE_TEXT, "image.version"},
				{"type", TYPE_TEXT, "image.type"},
				{"platform", TYPE_TEXT, "image.platform"},
				{"os_version", TYPE_TEXT, "image.osVersion"},
				{"state_status", TYPE_TEXT, "image.state.status"},
				{"state_reason", TYPE_TEXT, "image.state.reason"},
				{"state_failure_context", TYPE_JSONB, "image.state.failureContext"},
				{"build_type", TYPE_TEXT, "image.buildType"},
				{"image_source", TYPE_TEXT, "image.imageSource"},
				{"date_created", TYPE_TIMESTAMPTZ, "image.dateCreated"},
				{"deprecation_time", TYPE_TIMESTAMPTZ, "image.deprecationTime"},
				{"enhanced_image_metadata_enabled", TYPE_BOOLEAN, "image.enhancedImageMetadataEnabled"},
				{"source_pipeline_name", TYPE_TEXT, "image.sourcePipelineName"},
				{"source_pipeline_arn", TYPE_TEXT, "image.sourcePipelineArn"},
				{"image_recipe_arn", TYPE_TEXT, "image.imageRecipe.arn"},
				{"container_recipe_arn", TYPE_TEXT, "image.containerRecipe.arn"},
				{"infrastructure_configuration_arn", TYPE_TEXT, "image.infrastructureConfiguration.arn"},
				{"distribution_configuration_arn", TYPE_TEXT, "image.distributionConfiguration.arn"},
				{"image_tests_enabled", TYPE_BOOLEAN, "image.imageTestsConfiguration.imageTestsEnabled"},
				{"image_tests_timeout_minutes", TYPE_INTEGER, "image.imageTestsConfiguration.timeoutMinutes"},
				{"scan_state_status", TYPE_TEXT, "image.scanState.status"},
				{"scan_state_reason", TYPE_TEXT, "image.scanState.reason"},
				{"image_scanning_enabled", TYPE_BOOLEAN, "image.imageScanningConfiguration.imageScanningEnabled"},
				{"ecr_repository_name", TYPE_TEXT, "image.imageScanningConfiguration.ecrConfiguration.repositoryName"},
				{"ecr_container_tags", TYPE_TEXT_ARRAY, "image.imageScanningConfiguration.ecrConfiguration.containerTags"},
				{"lifecycle_execution_id", TYPE_TEXT, "image.lifecycleExecutionId"},
				{"execution_role", TYPE_TEXT, "image.executionRole"},
				{"log_group_name", TYPE_TEXT, "image.loggingConfiguration.logGroupName"},
				{"tags", TYPE_JSONB, "image.tags"},
				{"latest_version_arn", TYPE_TEXT, "latestVersionReferences.latestVersionArn"},
				{"latest_major_version_arn", TYPE_TEXT, "latestVersionReferences.latestMajorVersionArn"},
				{"latest_minor_version_arn", TYPE_TEXT, "latestVersionReferences.latestMinorVersionArn"},
				{"latest_patch_version_arn", TYPE_TEXT, "latestVersionReferences.latestPatchVersionArn"},
				{"request_id", TYPE_TEXT, "requestId"},
				{"response", TYPE_JSONB, "@response"}),
	},
	{
		.name = "image_recipes", .rows = 1,
		SOURCES({NULL, "image.imageRecipe"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"arn", TYPE_TEXT, "arn"},
				{"type", TYPE_TEXT, "type"},
				{"name", TYPE_TEXT, "name"},
				{"description", TYPE_TEXT, "description"},
				{"platform", TYPE_TEXT, "platform"},
				{"owner", TYPE_TEXT, "owner"},
				{"version", TYPE_TEXT, "version"},
				{"parent_image", TYPE_TEXT, "parentImage"},
				{"date_created", TYPE_TIMESTAMPTZ, "dateCreated"},
				{"working_directory", TYPE_TEXT, "workingDirectory"},
				{"systems_manager_agent_uninstall_after_build", TYPE_BOOLEAN, "additionalInstanceConfiguration.systemsManagerAgent.uninstallAfterBuild"},
				{"user_data_override", TYPE_TEXT, "additionalInstanceConfiguration.userDataOverride"},
				{"tags", TYPE_JSONB, "tags"},
				{"ami_tags", TYPE_JSONB, "amiTags"},
				{"ami_watermarks", TYPE_TEXT_ARRAY, "amiWatermarks"}),
	},
	{
		.name = "container_recipes", .rows = 1,
		SOURCES({NULL, "image.containerRecipe"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"arn", TYPE_TEXT, "arn"},
				{"container_type", TYPE_TEXT, "containerType"},
				{"name", TYPE_TEXT, "name"},
				{"description", TYPE_TEXT, "description"},
				{"platform", TYPE_TEXT, "platform"},
				{"owner", TYPE_TEXT, "owner"},
				{"version", TYPE_TEXT, "version"},
				{"parent_image", TYPE_TEXT, "parentImage"},
				{"date_created", TYPE_TIMESTAMPTZ, "dateCreated"},
				{"working_directory", TYPE_TEXT, "workingDirectory"},
				{"instance_image", TYPE_TEXT, "instanceConfiguration.image"},
				{"dockerfile_template_data", TYPE_TEXT, "dockerfileTemplateData"},
				{"kms_key_id", TYPE_TEXT, "kmsKeyId"},
				{"encrypted", TYPE_BOOLEAN, "encrypted"},
				{"target_repository_service", TYPE_TEXT, "targetRepository.service"},
				{"target_repository_name", TYPE_TEXT, "targetRepository.repositoryName"},
				{"tags", TYPE_JSONB, "tags"}),
	},
	{
		.name = "components", .rows = 6,
		SOURCES({"image", "image.imageRecipe.components[]"},
				{"container", "image.containerRecipe.components[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"recipe_type", TYPE_TEXT, "@source"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"component_arn", TYPE_TEXT, "componentArn"},
				{"parameters", TYPE_JSONB, "parameters"}),
	},
	{
		.name = "component_parameters", .rows = 6,
		SOURCES({"image", "image.imageRecipe.components[].parameters[]"},
				{"container", "image.containerRecipe.components[].parameters[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"recipe_type", TYPE_TEXT, "@source"},
				{"component_ordinal", TYPE_INTEGER, "^#"},
				{"component_arn", TYPE_TEXT, "^componentArn"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"name", TYPE_TEXT, "name"},
				{"value", TYPE_TEXT_ARRAY, "value"}),
	},
	{
		.name = "block_device_mappings", .rows = 2,
		SOURCES({"image", "image.imageRecipe.blockDeviceMappings[]"},
				{"container", "image.containerRecipe.instanceConfiguration.blockDeviceMappings[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"recipe_type", TYPE_TEXT, "@source"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"device_name", TYPE_TEXT, "deviceName"},
				{"virtual_name", TYPE_TEXT, "virtualName"},
				{"no_device", TYPE_TEXT, "noDevice"},
				{"ebs_encrypted", TYPE_BOOLEAN, "ebs.encrypted"},
				{"ebs_delete_on_termination", TYPE_BOOLEAN, "ebs.deleteOnTermination"},
				{"ebs_iops", TYPE_INTEGER, "ebs.iops"},
				{"ebs_kms_key_id", TYPE_TEXT, "ebs.kmsKeyId"},
				{"ebs_snapshot_id", TYPE_TEXT, "ebs.snapshotId"},
				{"ebs_volume_size", TYPE_INTEGER, "ebs.volumeSize"},
				{"ebs_volume_type", TYPE_TEXT, "ebs.volumeType"},
				{"ebs_throughput", TYPE_INTEGER, "ebs.throughput"}),
	},
	{
		.name = "infrastructure_configurations", .rows = 1,
		SOURCES({NULL, "image.infrastructureConfiguration"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"arn", TYPE_TEXT, "arn"},
				{"name", TYPE_TEXT, "name"},
				{"description", TYPE_TEXT, "description"},
				{"instance_types", TYPE_TEXT_ARRAY, "instanceTypes"},
				{"instance_profile_name", TYPE_TEXT, "instanceProfileName"},
				{"security_group_ids", TYPE_TEXT_ARRAY, "securityGroupIds"},
				{"subnet_id", TYPE_TEXT, "subnetId"},
				{"s3_logs_bucket_name", TYPE_TEXT, "logging.s3Logs.s3BucketName"},
				{"s3_logs_key_prefix", TYPE_TEXT, "logging.s3Logs.s3KeyPrefix"},
				{"key_pair", TYPE_TEXT, "keyPair"},
				{"terminate_instance_on_failure", TYPE_BOOLEAN, "terminateInstanceOnFailure"},
				{"sns_topic_arn", TYPE_TEXT, "snsTopicArn"},
				{"date_created", TYPE_TIMESTAMPTZ, "dateCreated"},
				{"date_updated", TYPE_TIMESTAMPTZ, "dateUpdated"},
				{"resource_tags", TYPE_JSONB, "resourceTags"},
				{"http_tokens", TYPE_TEXT, "instanceMetadataOptions.httpTokens"},
				{"http_put_response_hop_limit", TYPE_INTEGER, "instanceMetadataOptions.httpPutResponseHopLimit"},
				{"placement_availability_zone", TYPE_TEXT, "placement.availabilityZone"},
				{"placement_tenancy", TYPE_TEXT, "placement.tenancy"},
				{"placement_host_id", TYPE_TEXT, "placement.hostId"},
				{"placement_host_resource_group_arn", TYPE_TEXT, "placement.hostResourceGroupArn"},
				{"tags", TYPE_JSONB, "tags"}),
	},
	{
		.name = "distribution_configurations", .rows = 1,
		SOURCES({NULL, "image.distributionConfiguration"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"arn", TYPE_TEXT, "arn"},
				{"name", TYPE_TEXT, "name"},
				{"description", TYPE_TEXT, "description"},
				{"timeout_minutes", TYPE_INTEGER, "timeoutMinutes"},
				{"date_created", TYPE_TIMESTAMPTZ, "dateCreated"},
				{"date_updated", TYPE_TIMESTAMPTZ, "dateUpdated"},
				{"tags", TYPE_JSONB, "tags"}),
	},
	{
		.name = "distributions", .rows = 4,
		SOURCES({NULL, "image.distributionConfiguration.distributions[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"region", TYPE_TEXT, "region"},
				{"ami_name", TYPE_TEXT, "amiDistributionConfiguration.name"},
				{"ami_description", TYPE_TEXT, "amiDistributionConfiguration.description"},
				{"ami_target_account_ids", TYPE_TEXT_ARRAY, "amiDistributionConfiguration.targetAccountIds"},
				{"ami_tags", TYPE_JSONB, "amiDistributionConfiguration.amiTags"},
				{"ami_kms_key_id", TYPE_TEXT, "amiDistributionConfiguration.kmsKeyId"},
				{"launch_permission_user_ids", TYPE_TEXT_ARRAY, "amiDistributionConfiguration.launchPermission.userIds"},
				{"launch_permission_user_groups", TYPE_TEXT_ARRAY, "amiDistributionConfiguration.launchPermission.userGroups"},
				{"launch_permission_organization_arns", TYPE_TEXT_ARRAY, "amiDistributionConfiguration.launchPermission.organizationArns"},
				{"launch_permission_organizational_unit_arns", TYPE_TEXT_ARRAY, "amiDistributionConfiguration.launchPermission.organizationalUnitArns"},
				{"container_description", TYPE_TEXT, "containerDistributionConfiguration.description"},
				{"container_tags", TYPE_TEXT_ARRAY, "containerDistributionConfiguration.containerTags"},
				{"container_target_repository_service", TYPE_TEXT, "containerDistributionConfiguration.targetRepository.service"},
				{"container_target_repository_name", TYPE_TEXT, "containerDistributionConfiguration.targetRepository.repositoryName"},
				{"license_configuration_arns", TYPE_TEXT_ARRAY, "licenseConfigurationArns"},
				{"s3_export_role_name", TYPE_TEXT, "s3ExportConfiguration.roleName"},
				{"s3_export_disk_image_format", TYPE_TEXT, "s3ExportConfiguration.diskImageFormat"},
				{"s3_export_bucket", TYPE_TEXT, "s3ExportConfiguration.s3Bucket"},
				{"s3_export_prefix", TYPE_TEXT, "s3ExportConfiguration.s3Prefix"}),
	},
	{
		.name = "launch_template_configurations", .rows = 4,
		SOURCES({NULL, "image.distributionConfiguration.distributions[].launchTemplateConfigurations[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"distribution_ordinal", TYPE_INTEGER, "^#"},
				{"region", TYPE_TEXT, "^region"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"launch_template_id", TYPE_TEXT, "launchTemplateId"},
				{"account_id", TYPE_TEXT, "accountId"},
				{"set_default_version", TYPE_BOOLEAN, "setDefaultVersion"}),
	},
	{
		.name = "fast_launch_configurations", .rows = 4,
		SOURCES({NULL, "image.distributionConfiguration.distributions[].fastLaunchConfigurations[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"distribution_ordinal", TYPE_INTEGER, "^#"},
				{"region", TYPE_TEXT, "^region"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"enabled", TYPE_BOOLEAN, "enabled"},
				{"snapshot_target_resource_count", TYPE_INTEGER, "snapshotConfiguration.targetResourceCount"},
				{"max_parallel_launches", TYPE_INTEGER, "maxParallelLaunches"},
				{"launch_template_id", TYPE_TEXT, "launchTemplate.launchTemplateId"},
				{"launch_template_name", TYPE_TEXT, "launchTemplate.launchTemplateName"},
				{"launch_template_version", TYPE_TEXT, "launchTemplate.launchTemplateVersion"},
				{"account_id", TYPE_TEXT, "accountId"}),
	},
	{
		.name = "ssm_parameter_configurations", .rows = 4,
		SOURCES({NULL, "image.distributionConfiguration.distributions[].ssmParameterConfigurations[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"distribution_ordinal", TYPE_INTEGER, "^#"},
				{"region", TYPE_TEXT, "^region"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"ami_account_id", TYPE_TEXT, "amiAccountId"},
				{"parameter_name", TYPE_TEXT, "parameterName"},
				{"data_type", TYPE_TEXT, "dataType"}),
	},
	{
		.name = "amis", .rows = 8,
		SOURCES({NULL, "image.outputResources.amis[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"region", TYPE_TEXT, "region"},
				{"ami_id", TYPE_TEXT, "image"},
				{"name", TYPE_TEXT, "name"},
				{"description", TYPE_TEXT, "description"},
				{"state_status", TYPE_TEXT, "state.status"},
				{"state_reason", TYPE_TEXT, "state.reason"},
				{"state_failure_context", TYPE_JSONB, "state.failureContext"},
				{"account_id", TYPE_TEXT, "accountId"}),
	},
	{
		.name = "containers", .rows = 4,
		SOURCES({NULL, "image.outputResources.containers[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"region", TYPE_TEXT, "region"},
				{"image_uris", TYPE_TEXT_ARRAY, "imageUris"}),
	},
	{
		.name = "workflows", .rows = 2,
		SOURCES({NULL, "image.workflows[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"workflow_arn", TYPE_TEXT, "workflowArn"},
				{"parameters", TYPE_JSONB, "parameters"},
				{"parallel_group", TYPE_TEXT, "parallelGroup"},
				{"on_failure", TYPE_TEXT, "onFailure"}),
	},
	{
		.name = "workflow_parameters", .rows = 4,
		SOURCES({NULL, "image.workflows[].parameters[]"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"workflow_ordinal", TYPE_INTEGER, "^#"},
				{"workflow_arn", TYPE_TEXT, "^workflowArn"},
				{"ordinal", TYPE_INTEGER, "#"},
				{"name", TYPE_TEXT, "name"},
				{"value", TYPE_TEXT_ARRAY, "value"}),
	},
	{
		.name = "tags", .rows = 10,
		SOURCES({"image", "image.tags{}"},
				{"image_recipe", "image.imageRecipe.tags{}"},
				{"image_recipe_ami", "image.imageRecipe.amiTags{}"},
				{"container_recipe", "image.containerRecipe.tags{}"},
				{"infrastructure_configuration", "image.infrastructureConfiguration.tags{}"},
				{"infrastructure_resource", "image.infrastructureConfiguration.resourceTags{}"},
				{"distribution_configuration", "image.distributionConfiguration.tags{}"},
				{"distribution_ami", "image.distributionConfiguration.distributions[].amiDistributionConfiguration.amiTags{}"}),
		COLUMNS({"image_arn", TYPE_TEXT, "@arn"},
				{"resource", TYPE_TEXT, "@source"},
				{"distribution_ordinal", TYPE_INTEGER, "^#"},
				{"region", TYPE_TEXT, "^region"},
				{"key", TYPE_TEXT, "@key"},
				{"value", TYPE_TEXT, "."}),
	},
	{
		.name = "component_details", .operation = "GetComponent", .rows = 1,
		SOURCES({NULL, "component"}),
		COLUMNS({"arn", TYPE_TEXT, "@arn"},
				{"build_version_arn", TYPE_TEXT, "arn"},
				{"name", TYPE_TEXT, "name"},
				{"version", TYPE_TEXT, "version"},
				{"description", TYPE_TEXT, "description"},
				{"change_description", TYPE_TEXT, "changeDescription"},
				{"type", TYPE_TEXT, "type"},
				{"platform", TYPE_TEXT, "platform"},
				{"supported_os_versions", TYPE_TEXT_ARRAY, "supportedOsVersions"},
				{"state_status", TYPE_TEXT, "state.status"},
				{"state_reason", TYPE_TEXT, "state.reason"},
				{"parameters", TYPE_JSONB, "parameters"},
				{"owner", TYPE_TEXT, "owner"},
				{"data", TYPE_TEXT, "data"},
				{"kms_key_id", TYPE_TEXT, "kmsKeyId"},
				{"encrypted", TYPE_BOOLEAN, "encrypted"},
				{"date_created", TYPE_TIMESTAMPTZ, "dateCreated"},
				{"tags", TYPE_JSONB, "tags"},
				{"publisher", TYPE_TEXT, "publisher"},
				{"obfuscate", TYPE_BOOLEAN, "obfuscate"},
				{"product_codes", TYPE_JSONB, "productCodes"},
				{"latest_version_arn", TYPE_TEXT, "/latestVersionReferences.latestVersionArn"},
				{"latest_major_version_arn", TYPE_TEXT, "/latestVersionReferences.latestMajorVersionArn"},
				{"latest_minor_version_arn", TYPE_TEXT, "/latestVersionReferences.latestMinorVersionArn"},
				{"latest_patch_version_arn", TYPE_TEXT, "/latestVersionReferences.latestPatchVersionArn"}),
	},
	/* Tests build the library with more tables, from t/build/extra.inc. */
#ifdef API_EXTRA
#define API_TABLES
#include API_EXTRA
#undef API_TABLES
#endif
};

const int	schema_ntables = lengthof(schema_tables);

static const struct
{
	const char *name;
	Oid			oid;
}			schema_types[] = {
	[TYPE_TEXT] = {"text", TEXTOID},
	[TYPE_BOOLEAN] = {"boolean", BOOLOID},
	[TYPE_INTEGER] = {"integer", INT4OID},
	[TYPE_TIMESTAMPTZ] = {"timestamptz", TIMESTAMPTZOID},
	[TYPE_JSONB] = {"jsonb", JSONBOID},
	[TYPE_TEXT_ARRAY] = {"text[]", TEXTARRAYOID},
};

/* Return the table of a name; NULL if the schema has no such table. */
const SchemaTable *
schema_find_table(const char *name)
{
	for (int i = 0; i < schema_ntables; i++)
	{
		if (strcmp(schema_tables[i].name, name) == 0)
			return &schema_tables[i];
	}
	return NULL;
}

/* Return the column of a name; NULL if the table has no such column. */
const SchemaColumn *
schema_find_column(const SchemaTable *table, const char *name)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (strcmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	}
	return NULL;
}

/* Return the SQL name of a column's type, as DDL takes it; not for TYPE_ANY. */
const char *
schema_type_name(SchemaType type)
{
	return schema_types[type].name;
}

/* Return the OID of a column's type; InvalidOid for TYPE_ANY. */
Oid
schema_type_oid(SchemaType type)
{
	return schema_types[type].oid;
}
