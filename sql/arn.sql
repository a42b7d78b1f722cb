-- An Image Builder ARN's parts.
SELECT a.arn, (imagebuilder_arn(a.arn)).*
FROM (VALUES
    ('arn:aws:imagebuilder:us-east-1:123456789012:image/golden-linux/1.0.0/1'),
    ('arn:aws:imagebuilder:us-east-1:123456789012:image/golden-linux/1.x.x'),
    ('arn:aws-cn:imagebuilder:cn-north-1:aws:image/amazon-linux-2/x.x.x'),
    ('arn:aws:imagebuilder:eu-west-1:aws-marketplace:component/agent/2.0.1/3'),
    ('arn:aws:imagebuilder:eu-west-1:123456789012:workflow/build/my-workflow/1.0.0/1'),
    ('arn:aws:imagebuilder:eu-west-1:123456789012:image-recipe/golden-linux/1.0.0'),
    ('arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/golden-linux'),
    ('arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/clean-up')) AS a(arn);
-- Anything else is NULL.
SELECT a.arn, imagebuilder_arn(a.arn) IS NULL AS is_null
FROM (VALUES (NULL), (''), ('arn'), ('ami-0123456789abcdef0'),
    ('arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0'),
    ('arn:aws:imagebuilder:us-east-1:123456789012:image/golden-linux'),
    ('arn:aws:imagebuilder:us-east-1:123456789012:image/golden-linux/1.0.0/1/1'),
    ('arn:aws:imagebuilder:us_east_1:123456789012:image/golden-linux/1.0.0/1')) AS a(arn);
-- It is immutable, so that it can be indexed.
CREATE TABLE inventory (instance_id text, image_arn text);
CREATE INDEX ON inventory (((imagebuilder_arn(image_arn)).name));
DROP TABLE inventory;
